#pragma once

#include <cstdint>

namespace cambium::media {

/// One channel composed onto white: round(value * alpha + 255 * (1 - alpha)), as Pillow's alpha_composite does in
/// integers.
[[nodiscard]] inline std::uint8_t over_white(unsigned value, unsigned alpha) {
  return static_cast<std::uint8_t>((value * alpha + 255U * (255U - alpha) + 127U) / 255U);
}

/// a * b / 255, rounded.
[[nodiscard]] inline std::uint8_t multiply_255(unsigned a, unsigned b) {
  const unsigned product = a * b + 128U;
  return static_cast<std::uint8_t>((product + (product >> 8U)) >> 8U);
}

}  // namespace cambium::media
