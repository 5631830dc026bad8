#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cambium::model {

/// Normal numbers around 0 that depend on a seed and a tensor's name alone, the same on every machine: SplitMix64
/// (Steele, Lea, Flood 2014) and Box-Muller.
void fill_normal(std::uint64_t seed, std::string_view name, double deviation, std::span<float> out);

}  // namespace cambium::model
