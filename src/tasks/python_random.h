#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace cambium::tasks {

/// Python's random.Random(seed) for a non-negative integer seed: the Mersenne Twister MT19937, seeded by its array of
/// 32-bit words. The same seed gives the same draws as CPython 3.11.
class PythonRandom {
 public:
  explicit PythonRandom(std::uint64_t seed);

  /// random(): uniform in [0, 1), 53 bits.
  [[nodiscard]] double uniform();
  /// randrange(bound), bound >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);
  /// sample(range(size), count): `count` different positions, count <= size.
  [[nodiscard]] std::vector<std::size_t> sample(std::size_t size, std::size_t count);
  /// choices(range(size), k=count): positions drawn with replacement, written to `drawn`.
  void choices(std::size_t size, std::size_t count, std::vector<std::uint32_t>& drawn);
  /// shuffle(list(range(size)))
  [[nodiscard]] std::vector<std::size_t> shuffled(std::size_t size);

 private:
  [[nodiscard]] std::uint32_t next_word();
  void refill();
  static constexpr std::size_t kWords = 624;
  std::array<std::uint32_t, kWords> state_{};
  std::size_t position_ = kWords;
};

}  // namespace cambium::tasks
