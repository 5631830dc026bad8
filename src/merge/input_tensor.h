#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace cambium::merge {

/// One input of a merge step, already brought into the output's form: same shape, same row order (vocabulary rows
/// gathered, fused or transposed tensors taken apart, LoRA products added). Values are had piece by piece, so a tensor
/// is never whole in memory.
class InputTensor {
 public:
  virtual ~InputTensor() = default;
  /// "MODEL: TENSOR" for messages.
  [[nodiscard]] virtual std::string label() const = 0;
  [[nodiscard]] virtual const Shape& shape() const = 0;
  /// Stored type (promoted if several tensors are composed).
  [[nodiscard]] virtual DType dtype() const = 0;
  /// Elements first .. first + out.size() in row-major order, widened to float32. Thread-safe.
  virtual void read(std::size_t first, std::span<float> out) const = 0;
  /// The stored elements where they are one contiguous run in memory; empty if they must be composed.
  [[nodiscard]] virtual std::span<const std::byte> stored() const { return {}; }
  /// This range is not needed again in this pass: pages may be given back.
  virtual void release(std::size_t first, std::size_t count) const { (void)first, (void)count; }
};

}  // namespace cambium::merge
