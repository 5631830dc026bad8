#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace cambium::lab {

/// Random numbers that depend on a seed and a name alone: every part of the world draws from a stream of its own, so
/// that more rows of one kind change nothing in another. SplitMix64 (Steele, Lea, Flood 2014); the same on every
/// machine.
class Random {
 public:
  Random(std::uint64_t seed, std::string_view stream);

  [[nodiscard]] std::uint64_t next();
  /// 0 .. count - 1, each equally likely. @pre count > 0
  [[nodiscard]] std::size_t below(std::size_t count);
  /// low .. high, both included.
  [[nodiscard]] int between(int low, int high);
  /// [0, 1)
  [[nodiscard]] double unit();
  /// Standard normal (Box-Muller).
  [[nodiscard]] double normal();

  template <typename T>
  [[nodiscard]] const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }
  /// `count` different values in random order. @pre count <= from.size()
  template <typename T>
  [[nodiscard]] std::vector<T> sample(std::vector<T> from, std::size_t count) {
    shuffle(from);
    from.resize(count);
    return from;
  }

 private:
  std::uint64_t state_;
};

/// 64 bits of a text, spread well (FNV-1a and a finisher): decides, for instance, on which side of train and test an
/// exercise falls.
[[nodiscard]] std::uint64_t text_bits(std::string_view text, std::uint64_t seed = 0);

}  // namespace cambium::lab
