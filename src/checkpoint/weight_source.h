#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace cambium::checkpoint {

/// Name, type and shape of one tensor, as stored.
struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  /// Size of the stored elements.
  [[nodiscard]] std::size_t bytes() const;
};

/// A set of named tensors whose values can be had: a checkpoint on disk, or a merge computed on the fly.
class WeightSource {
 public:
  virtual ~WeightSource() = default;
  /// What to call it in messages: the folder or recipe as the user named it.
  [[nodiscard]] virtual const std::string& label() const = 0;
  /// All tensors, sorted by name.
  [[nodiscard]] virtual const std::vector<TensorInfo>& tensors() const = 0;
  /// The tensor of that name, or null. Cost: O(log n).
  [[nodiscard]] const TensorInfo* find(std::string_view name) const;
  /// The stored bytes where they lie in memory or in a mapped file (valid as long as the source), or empty if they must
  /// be computed.
  [[nodiscard]] virtual std::span<const std::byte> mapped(std::string_view name) const = 0;
  /// Copies (or computes) the stored elements. @param out  exactly find(name)->bytes() bytes. Thread-safe.
  virtual void read(std::string_view name, std::span<std::byte> out) const = 0;
  /// Copies (or computes) the stored bytes of whole elements from `offset` on. Thread-safe. Cost: as read(), unless
  /// reads_ranges().
  virtual void read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const;
  /// True if read_range() costs in proportion to the range, so that a large tensor need never be whole in memory.
  [[nodiscard]] virtual bool reads_ranges(std::string_view name) const {
    (void)name;
    return false;
  }
  /// A range of mapped() is not needed again in this pass: a mapped file gives its pages back, so that memory stays
  /// bounded. Thread-safe.
  virtual void release(std::span<const std::byte> range) const { (void)range; }
};

}  // namespace cambium::checkpoint
