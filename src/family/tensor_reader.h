#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "checkpoint/weight_source.h"
#include "family/alignment.h"

namespace cambium::family {

/// Reads one model's values in the form of another's tensor, piece by piece: rows of fused tensors gathered, matrices
/// turned, tokens' rows looked up. Memory: nothing but the tables of rows (unmapped sources are read whole into
/// memory).
class TensorReader {
 public:
  /// A tensor of `source` as it is stored.
  [[nodiscard]] static TensorReader whole(const checkpoint::WeightSource& source, const checkpoint::TensorInfo& tensor);
  /// The reading `reading` of `source`, as a tensor of shape `shape`.
  /// @param rows  for a vocabulary reading: for each target row the source row or -1 (VocabularyRows); must outlive the
  /// reader
  TensorReader(const checkpoint::WeightSource& source, const Reading& reading, Shape shape,
               std::span<const std::int64_t> rows = {});
  ~TensorReader();
  TensorReader(TensorReader&&) noexcept;
  TensorReader& operator=(TensorReader&&) noexcept;

  [[nodiscard]] const std::string& label() const;  ///< "MODEL: TENSOR", all sources named
  [[nodiscard]] const Shape& shape() const;        ///< in the target's form
  [[nodiscard]] DType dtype() const;               ///< stored type (promoted if the sources differ)
  /// False for a vocabulary row that the source does not have. Rows are the first dimension.
  [[nodiscard]] bool has_row(std::int64_t row) const;
  /// All rows are there.
  [[nodiscard]] bool complete() const;
  /// The stored elements where they are one run of memory in the target's order, else empty.
  [[nodiscard]] std::span<const std::byte> stored() const;
  /// Elements first .. first + out.size() in row-major order of the target's shape, widened to float32; elements of
  /// absent rows are left as they are in `out`. Thread-safe.
  void read(std::size_t first, std::span<float> out) const;
  /// This range is not needed again in this pass: pages may be given back. Turned tensors are given back when the end
  /// is released. Thread-safe.
  void release(std::size_t first, std::size_t count) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::family
