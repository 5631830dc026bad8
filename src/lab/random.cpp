#include "lab/random.h"

#include <cmath>
#include <numbers>

namespace cambium::lab {
namespace {

std::uint64_t mixed(std::uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return bits ^ (bits >> 31);
}

}  // namespace

std::uint64_t text_bits(std::string_view text, std::uint64_t seed) {
  std::uint64_t bits = 0xcbf29ce484222325ULL ^ mixed(seed + 0x9e3779b97f4a7c15ULL);
  for (const char c : text) bits = (bits ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return mixed(bits);
}

Random::Random(std::uint64_t seed, std::string_view stream) : state_(text_bits(stream, seed)) {}

std::uint64_t Random::next() { return mixed(state_ += 0x9e3779b97f4a7c15ULL); }

std::size_t Random::below(std::size_t count) {
  // Lemire 2019: the high half of a product, redrawn where it would be biased.
  const std::uint64_t n = count;
  const std::uint64_t biased = (0 - n) % n;
  for (;;) {
    const auto product = static_cast<unsigned __int128>(next()) * n;
    if (static_cast<std::uint64_t>(product) >= biased) return static_cast<std::size_t>(product >> 64);
  }
}

int Random::between(int low, int high) {
  return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
}

double Random::unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - unit()));
  return radius * std::cos(2.0 * std::numbers::pi * unit());
}

}  // namespace cambium::lab
