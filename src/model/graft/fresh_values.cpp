#include "model/graft/fresh_values.h"

#include <xxhash.h>

#include <cmath>
#include <numbers>

namespace cambium::model {

void fill_normal(std::uint64_t seed, std::string_view name, double deviation, std::span<float> out) {
  std::uint64_t state = XXH3_64bits_withSeed(name.data(), name.size(), seed);
  const auto unit = [&] {  // (0, 1]
    state += 0x9E3779B97F4A7C15U;
    std::uint64_t mixed = state;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    mixed ^= mixed >> 31U;
    return (static_cast<double>(mixed >> 11U) + 1.0) * 0x1.0p-53;
  };
  for (std::size_t i = 0; i < out.size(); i += 2) {
    const double radius = deviation * std::sqrt(-2 * std::log(unit()));
    const double angle = 2 * std::numbers::pi * unit();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < out.size()) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace cambium::model
