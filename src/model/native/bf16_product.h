#pragma once

#include <cstddef>
#include <cstdint>

namespace cambium::model {

/// True if this CPU multiplies pairs of bfloat16 in one instruction (AVX512-BF16).
[[nodiscard]] bool has_bf16_product();

/// Most rows that bf16_panel_product takes at once.
inline constexpr std::size_t kBf16Rows = 12;

/// tile[m][0 .. 31] = sum over pairs of rows[m] and one bfloat16 panel, m < count <= kBf16Rows. Only where
/// has_bf16_product().
/// @param rows          bfloat16, `pairs` pairs each, row_distance elements (even) apart
/// @param ahead         bytes: how far ahead of the panel's values later ones are fetched from memory
/// @param tile          float32, tile_distance floats between rows
void bf16_panel_product(const std::uint16_t* panel, std::size_t pairs, const std::uint16_t* rows,
                        std::size_t row_distance, std::size_t count, float* tile, std::size_t tile_distance,
                        std::size_t ahead);

}  // namespace cambium::model
