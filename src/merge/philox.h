#pragma once

#include <cstddef>
#include <cstdint>

/// Constants of Philox4x32-10 (Salmon et al., SC 2011, table 2 and section 4.3) and of how random_mask.cpp lays out its
/// counters.
namespace cambium::merge::philox {

inline constexpr std::uint32_t kMultiplier0 = 0xD2511F53;
inline constexpr std::uint32_t kMultiplier1 = 0xCD9E8D57;
inline constexpr std::uint32_t kWeyl0 = 0x9E3779B9;  // golden ratio
inline constexpr std::uint32_t kWeyl1 = 0xBB67AE85;  // sqrt(3) - 1
inline constexpr int kRounds = 10;

inline constexpr std::size_t kLanes = 16;          ///< counters worked on side by side
inline constexpr std::size_t kGroup = 4 * kLanes;  ///< words they give

}  // namespace cambium::merge::philox
