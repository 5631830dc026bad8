#include "tasks/python_random.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_set>
#include <utility>

namespace cambium::tasks {
namespace {

constexpr std::size_t kShift = 397;

}  // namespace

PythonRandom::PythonRandom(std::uint64_t seed) {
  // MT19937's seeding by an array (Matsumoto and Nishimura, 2002), the array being the seed's 32-bit words.
  std::vector<std::uint32_t> key{static_cast<std::uint32_t>(seed)};
  if (seed >> 32U != 0) key.push_back(static_cast<std::uint32_t>(seed >> 32U));
  state_[0] = 19650218U;
  for (std::uint32_t i = 1; i < kWords; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30U)) + i;
  }
  std::size_t i = 1;
  std::size_t j = 0;
  const auto wrap = [&] {
    if (++i < kWords) return;
    state_[0] = state_[kWords - 1];
    i = 1;
  };
  for (std::size_t k = kWords; k > 0; --k) {
    state_[i] =
        (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30U)) * 1664525U)) + key[j] + static_cast<std::uint32_t>(j);
    wrap();
    if (++j == key.size()) j = 0;
  }
  for (std::size_t k = kWords - 1; k > 0; --k) {
    state_[i] = (state_[i] ^ ((state_[i - 1] ^ (state_[i - 1] >> 30U)) * 1566083941U)) - static_cast<std::uint32_t>(i);
    wrap();
  }
  state_[0] = 0x80000000U;
}

void PythonRandom::refill() {
  for (std::size_t i = 0; i < kWords; ++i) {
    const std::uint32_t mixed = (state_[i] & 0x80000000U) | (state_[(i + 1) % kWords] & 0x7FFFFFFFU);
    state_[i] = state_[(i + kShift) % kWords] ^ (mixed >> 1U) ^ ((mixed & 1U) != 0 ? 0x9908B0DFU : 0U);
  }
  position_ = 0;
}

std::uint32_t PythonRandom::next_word() {
  if (position_ == kWords) refill();
  std::uint32_t word = state_[position_++];
  word ^= word >> 11U;
  word ^= (word << 7U) & 0x9D2C5680U;
  word ^= (word << 15U) & 0xEFC60000U;
  return word ^ (word >> 18U);
}

double PythonRandom::uniform() {
  const std::uint32_t high = next_word() >> 5U;
  const std::uint32_t low = next_word() >> 6U;
  return (static_cast<double>(high) * 67108864.0 + static_cast<double>(low)) * (1.0 / 9007199254740992.0);
}

std::uint64_t PythonRandom::below(std::uint64_t bound) {
  const auto bits = static_cast<unsigned>(std::bit_width(bound));
  while (true) {
    std::uint64_t drawn = 0;
    if (bits <= 32) {
      drawn = next_word() >> (32U - bits);
    } else {
      drawn = next_word();
      drawn |= static_cast<std::uint64_t>(next_word() >> (64U - bits)) << 32U;
    }
    if (drawn < bound) return drawn;
  }
}

std::vector<std::size_t> PythonRandom::sample(std::size_t size, std::size_t count) {
  std::vector<std::size_t> chosen;
  chosen.reserve(count);
  // CPython keeps a list of what is left where that is no larger than a set of what was taken.
  double set_size = 21;
  if (count > 5) set_size += std::pow(4.0, std::ceil(std::log(static_cast<double>(count * 3)) / std::log(4.0)));
  if (static_cast<double>(size) <= set_size) {
    std::vector<std::size_t> left(size);
    std::iota(left.begin(), left.end(), std::size_t{0});
    for (std::size_t i = 0; i < count; ++i) {
      const auto j = static_cast<std::size_t>(below(size - i));
      chosen.push_back(left[j]);
      left[j] = left[size - i - 1];
    }
    return chosen;
  }
  std::unordered_set<std::size_t> taken;
  while (chosen.size() < count) {
    const auto j = static_cast<std::size_t>(below(size));
    if (taken.insert(j).second) chosen.push_back(j);
  }
  return chosen;
}

void PythonRandom::choices(std::size_t size, std::size_t count, std::vector<std::uint32_t>& drawn) {
  drawn.resize(count);
  const auto scale = static_cast<double>(size);
  for (std::uint32_t& position : drawn) position = static_cast<std::uint32_t>(uniform() * scale);
}

std::vector<std::size_t> PythonRandom::shuffled(std::size_t size) {
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = size; i-- > 1;) std::swap(order[i], order[static_cast<std::size_t>(below(i + 1))]);
  return order;
}

}  // namespace cambium::tasks
