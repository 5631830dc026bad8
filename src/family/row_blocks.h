#pragma once

#include <cstdint>

namespace cambium::family {

/// Some rows of a matrix: `count` blocks of `rows` rows each, the first block at row `first`, each `stride` rows after
/// the one before. A row is an output feature of the projection: where the matrix is stored [in, out] it is a column.
struct RowBlocks {
  std::int64_t first = 0;
  std::int64_t rows = 0;
  std::int64_t stride = 0;  ///< >= rows; without meaning when count is 1
  std::int64_t count = 1;

  /// Rows first .. first + rows - 1.
  [[nodiscard]] static constexpr RowBlocks range(std::int64_t first, std::int64_t rows) {
    return {first, rows, rows, 1};
  }
  [[nodiscard]] constexpr std::int64_t total() const { return rows * count; }
  /// Row of the matrix that is row `index` (0 .. total() - 1) of the selection.
  [[nodiscard]] constexpr std::int64_t at(std::int64_t index) const {
    return first + (index / rows) * stride + index % rows;
  }
  friend constexpr bool operator==(const RowBlocks&, const RowBlocks&) = default;
};

}  // namespace cambium::family
