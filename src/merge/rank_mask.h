#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "merge/random_mask.h"

namespace cambium::merge {

/// Random masks whose chance to keep an element grows with the rank of its magnitude in its row (DELLA's MagPrune,
/// arXiv:2406.11617, section 3.1): rank r = 0 .. m-1 by rising |value|, ties by index, is kept with probability density
/// - epsilon + 2 epsilon r / (m - 1).
///
/// Cost: no sort. A histogram over the float bits bounds each rank; a random word decides most elements without knowing
/// the rank at all, nearly all others by the bounds, and only the few left count the smaller values of their row. About
/// 2 ns an element.
class RankMask {
 public:
  /// @param row_elements  length of a row, >= 1
  RankMask(const RandomMask& random, double density, double epsilon, std::size_t row_elements);

  /// Zeroes the dropped values of whole rows. A value that is 0 already is left: its mask does not matter.
  /// @param first  index of the first value in its tensor, a multiple of the row length
  void apply(std::uint64_t first, std::span<float> values) const;

 private:
  struct Room;
  void apply_row(std::uint64_t first, std::span<float> row, Room& room) const;
  void resolve_by_sorting(std::span<float> row, Room& room) const;

  RandomMask random_;
  std::vector<std::uint32_t> keep_below_;  // by rank
};

}  // namespace cambium::merge
