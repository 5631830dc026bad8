#pragma once

#include <cstddef>
#include <cstdint>

namespace cambium::model {

/// Matrices that are multiplied from the right lie in panels of 32 columns (outputs of a weight, tokens of a key block,
/// values of a value block): in a panel, for each pair of rows k, k+1 the 32 columns. Element (k, n) is at:
///   float32, float16:  k * 32 + n
///   bfloat16:          (k / 2) * 64 + n * 2 + k % 2     (pairs side by side, as the CPUs' bf16 dot products want them)
/// The number of rows is even (a zero row is added if need be), and columns that do not exist are zero. One element of
/// a product is always summed over k in rising order, whatever the number of rows multiplied at once: results do not
/// depend on how work is batched.
inline constexpr std::size_t kPanelColumns = 32;

enum class PanelType : std::uint8_t { kFloat32, kFloat16, kBFloat16 };

[[nodiscard]] constexpr std::size_t element_bytes(PanelType type) { return type == PanelType::kFloat32 ? 4 : 2; }
[[nodiscard]] constexpr std::size_t even(std::size_t rows) { return rows + rows % 2; }
[[nodiscard]] constexpr std::size_t panels_for(std::size_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns;
}
/// Bytes of one panel of `rows` (even) rows.
[[nodiscard]] constexpr std::size_t panel_bytes(PanelType type, std::size_t rows) {
  return rows * kPanelColumns * element_bytes(type);
}
[[nodiscard]] constexpr std::size_t panel_index(PanelType type, std::size_t k, std::size_t n) {
  return type == PanelType::kBFloat16 ? (k / 2) * 2 * kPanelColumns + n * 2 + k % 2 : k * kPanelColumns + n;
}
/// Distance in floats between rows of an activation buffer of that many columns: whole panels, and never a multiple of
/// 4 KiB (rows that lie so fall into the same sets of the cache).
[[nodiscard]] constexpr std::size_t row_stride(std::size_t columns) { return panels_for(columns) * kPanelColumns + 16; }

}  // namespace cambium::model
