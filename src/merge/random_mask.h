#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cambium::merge {

/// Random numbers of one tensor of one model, each a function of (seed, tensor name, model name, element index) alone:
/// the same for any number of threads, any chunking, any machine.
///
/// Philox4x32-10 of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The key is a 64-bit hash of
/// seed, tensor and model; element i takes word (i / 16) mod 4 of counter 16 * (i / 64) + i mod 16, which lets sixteen
/// lanes work side by side.
class RandomMask {
 public:
  RandomMask(std::uint64_t seed, std::string_view tensor, std::string_view model);

  /// Uniform words of elements first .. first + out.size().
  void words(std::uint64_t first, std::span<std::uint32_t> out) const;

  /// Zeroes each value whose word is >= keep_below(density): each is kept with that probability.
  void apply(std::uint32_t keep_below, std::uint64_t first, std::span<float> values) const;

 private:
  std::uint64_t key_;
};

/// Words below this are kept: density * 2^32, for densities inside (0, 1).
[[nodiscard]] std::uint32_t keep_below(double density);

/// One block of Philox4x32-10 in plain C++: counter and key of the paper to four words. For tests and the ends of runs.
void philox_block(std::uint64_t counter_low, std::uint64_t counter_high, std::uint64_t key,
                  std::span<std::uint32_t, 4> out);

}  // namespace cambium::merge
