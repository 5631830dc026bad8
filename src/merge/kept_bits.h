#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "merge/tensor_run.h"

namespace cambium::merge {

/// Remembers from one pass to the next which elements of a task vector are kept, one bit each, so that a random mask is
/// drawn once.
class KeptBits {
 public:
  /// Room for every piece of the cut.
  KeptBits(const TensorRun& run, Cut cut);

  /// An element is kept if it is not 0 (of those that are, it does not matter).
  void save(const Piece& piece, std::span<const float> values);
  /// Zeroes the elements that were not kept.
  void apply(const Piece& piece, std::span<float> values) const;

  /// Memory it takes.
  [[nodiscard]] static std::size_t bytes(const TensorRun& run, Cut cut);

 private:
  std::size_t piece_bytes_;
  std::vector<std::uint8_t> bits_;
};

}  // namespace cambium::merge
