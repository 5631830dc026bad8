#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cambium::tasks {

/// Random numbers by a counter (SplitMix64): the i-th of a seed is the same whoever asks.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : seed_(seed) {}
  [[nodiscard]] std::uint64_t bits() {
    std::uint64_t value = seed_ * 0xD1342543DE82EF95ULL + ++counter_ * 0x9E3779B97F4A7C15ULL;
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
    return value ^ (value >> 31U);
  }
  /// 0 .. bound - 1
  [[nodiscard]] std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>((static_cast<unsigned __int128>(bits()) * bound) >> 64U);
  }

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

/// @param sorted  not empty
[[nodiscard]] inline double quantile_of_sorted(const std::vector<double>& sorted, double probability) {
  const double place = std::clamp(probability, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (place - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace cambium::tasks
