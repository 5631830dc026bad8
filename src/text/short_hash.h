#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cambium::text {

/// A 64-bit hash of a short string, good in all its bits; words of up to 16 bytes take two loads and two
/// multiplications.
[[nodiscard]] inline std::uint64_t short_hash(std::string_view bytes) {
  constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15ULL;
  constexpr std::uint64_t kSecond = 0xD6E8FEB86659FD93ULL;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  };
  const char* data = bytes.data();
  std::size_t size = bytes.size();
  std::uint64_t hash = size * kFirst;
  while (size > 16) {
    std::uint64_t words[2];
    std::memcpy(words, data, sizeof(words));
    hash = mix(words[0] ^ kFirst ^ hash, words[1] ^ kSecond);
    data += 16;
    size -= 16;
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (size >= 8) {
    std::memcpy(&low, data, 8);
    std::memcpy(&high, data + size - 8, 8);
  } else if (size >= 4) {
    std::uint32_t parts[2];
    std::memcpy(&parts[0], data, 4);
    std::memcpy(&parts[1], data + size - 4, 4);
    low = parts[0] | static_cast<std::uint64_t>(parts[1]) << 32U;
  } else if (size > 0) {
    low = static_cast<unsigned char>(data[0]) |
          static_cast<std::uint64_t>(static_cast<unsigned char>(data[size / 2])) << 8U |
          static_cast<std::uint64_t>(static_cast<unsigned char>(data[size - 1])) << 16U;
  }
  return mix(low ^ kSecond ^ hash, high ^ kFirst);
}

}  // namespace cambium::text
