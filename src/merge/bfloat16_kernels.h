#pragma once

#include <cstddef>
#include <span>

namespace cambium::merge {

/// Widens bfloat16 to float32 and looks for NaN and infinity on the way, which saves reading the values a second time.
///
/// @param stored  out.size() elements, any alignment
/// @return        all are finite
[[nodiscard]] bool widen_bfloat16(std::span<const std::byte> stored, std::span<float> out);

/// Rounds float32 to bfloat16 (nearest, ties to even), and looks for NaN and infinity in the result.
///
/// @param stored  values.size() elements, any alignment
/// @return        all are finite
[[nodiscard]] bool narrow_bfloat16(std::span<const float> values, std::span<std::byte> stored);

}  // namespace cambium::merge
