#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "merge/random_mask.h"

namespace cambium::merge {

/// Random masks whose chance to keep an element grows with the rank of its magnitude in its row (DELLA's MagPrune,
/// arXiv:2406.11617, section 3.1): rank r = 0 .. m-1 by rising |value| is kept with probability
/// density - epsilon + 2 epsilon r / (m - 1). Equal magnitudes share the middle of their ranks.
///
/// Cost: no sort. A histogram over the float bits bounds the rank of each element, and its random word lies outside the
/// bounds of the chances of those ranks but for one in a few hundred, which count the smaller values of their row. Two
/// or three nanoseconds an element.
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
  float first_unit_ = 0;                   // the same in units of 2^-23, roughly: at rank 0, and more for each rank
  float unit_step_ = 0;
};

}  // namespace cambium::merge
