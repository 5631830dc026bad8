#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace cambium::merge {

struct Collected {
  std::size_t above = 0;   ///< scores > high
  std::size_t inside = 0;  ///< low <= score <= high
};

/// Counts scores above a bracket and copies those inside it to `out`, in order. No score is NaN.
/// @param out  room for scores.size() values, or empty: count only
[[nodiscard]] Collected collect_between(float low, float high, std::span<const float> scores, std::span<float> out);

/// A float's place in their order as a number: -inf < ... < -0 = +0 < ... < +inf. Both zeros give one key.
[[nodiscard]] inline std::uint32_t order_key(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);  // -0 + 0 is +0
  return (bits & 0x80000000U) != 0 ? ~bits : bits | 0x80000000U;
}
[[nodiscard]] inline float from_order_key(std::uint32_t key) {
  return std::bit_cast<float>((key & 0x80000000U) != 0 ? key & 0x7fffffffU : ~key);
}

/// The value with `rank` larger ones before it. @param values  reordered; rank < values.size()
[[nodiscard]] float pick_by_rank(std::span<float> values, std::uint64_t rank);

}  // namespace cambium::merge
