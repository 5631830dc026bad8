#pragma once

#include <cstddef>
#include <span>

namespace cambium::merge {

/// out[i][j] += scale * sum over k of left[i][k] * right[k][j]: rows of the product of two thin matrices, as LoRA adds
/// them.
///
/// @param left   rows x rank, row by row
/// @param right  rank x columns, row by row
/// @param out    rows x columns, row by row
/// The sum runs over k in order in float32 (product rounded, then added), so that the bits depend neither on the CPU
/// nor on how rows and columns are cut into calls. Cost: rows * columns * rank multiply-adds, SIMD.
void add_low_rank(std::span<const float> left, std::span<const float> right, std::size_t rank, float scale,
                  std::span<float> out);

/// The same by three plain loops: what the kernel is tested against.
void add_low_rank_reference(std::span<const float> left, std::span<const float> right, std::size_t rank, float scale,
                            std::span<float> out);

}  // namespace cambium::merge
