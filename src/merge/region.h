#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "merge/input_tensor.h"
#include "merge/tensor_task.h"

namespace cambium::merge {

/// A run of rows (of the first dimension).
struct RowRun {
  std::int64_t first = 0;
  std::int64_t count = 0;
  friend bool operator==(const RowRun&, const RowRun&) = default;
};

/// Sorted row numbers as runs.
[[nodiscard]] std::vector<RowRun> runs_of(std::span<const std::int64_t> rows);

/// The part of a tensor that one task fills: the whole of it, some rows, or a band of columns of a matrix.
///
/// A part is a tensor of its own: its elements are numbered 0.. in the order they have in the whole tensor.
class Region {
 public:
  [[nodiscard]] static Region whole(const Shape& shape);
  [[nodiscard]] static Region rows(const Shape& shape, std::vector<RowRun> runs);
  /// @pre shape has two dimensions
  [[nodiscard]] static Region columns(const Shape& shape, std::int64_t first, std::int64_t count);

  /// Shape of the part.
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] bool is_whole() const { return whole_; }

  /// Calls run(first element in the whole tensor, first element in the part, count) for the contiguous runs that make
  /// up elements first .. first + count - 1 of the part, in order.
  template <typename Function>
  void for_each_run(std::size_t first, std::size_t count, const Function& run) const;
  /// First element of the part in the whole tensor, if the part is one contiguous run.
  [[nodiscard]] bool contiguous(std::size_t& first) const;

 private:
  struct Piece {
    std::size_t whole = 0;  ///< first element in the whole tensor
    std::size_t part = 0;   ///< first element in the part
    std::size_t count = 0;
  };
  Shape shape_;
  bool whole_ = false;
  std::vector<Piece> pieces_;  ///< of rows; of columns just the first row's
  std::size_t columns_ = 0;    ///< width of the band, 0 if the part is not one of columns
  std::size_t row_ = 0;        ///< elements of a row of the whole tensor (columns only)
};

/// A part of an input: what a task for a region reads.
[[nodiscard]] std::shared_ptr<const InputTensor> part_of(std::shared_ptr<const InputTensor> tensor,
                                                         const Region& region);

template <typename Function>
void Region::for_each_run(std::size_t first, std::size_t count, const Function& run) const {
  if (columns_ != 0) {
    while (count > 0) {
      const std::size_t row = first / columns_, column = first % columns_;
      const std::size_t here = std::min(count, columns_ - column);
      run(pieces_.front().whole + row * row_ + column, first, here);
      first += here;
      count -= here;
    }
    return;
  }
  // The last piece that begins at or before `first`.
  std::size_t low = 0, high = pieces_.size();
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (pieces_[middle].part <= first ? low : high) = middle;
  }
  for (std::size_t i = low; count > 0; ++i) {
    const Piece& piece = pieces_[i];
    const std::size_t skip = first - piece.part;
    const std::size_t here = std::min(count, piece.count - skip);
    if (here > 0) run(piece.whole + skip, first, here);
    first += here;
    count -= here;
  }
}

}  // namespace cambium::merge
