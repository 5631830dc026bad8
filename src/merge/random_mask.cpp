#include "merge/random_mask.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/random_mask.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

#include "merge/philox.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A key, and its two words in each round.
struct RoundKeys {
  std::uint64_t key;
  std::uint32_t first[philox::kRounds], second[philox::kRounds];
  explicit RoundKeys(std::uint64_t of) : key(of) {
    for (int round = 0; round < philox::kRounds; ++round) {
      first[round] = static_cast<std::uint32_t>(key) + static_cast<std::uint32_t>(round) * philox::kWeyl0;
      second[round] = static_cast<std::uint32_t>(key >> 32) + static_cast<std::uint32_t>(round) * philox::kWeyl1;
    }
  }
};

#if HWY_TARGET == HWY_SCALAR

void fill_group(std::uint64_t group, const RoundKeys& keys, std::uint32_t* out) {
  std::array<std::uint32_t, 4> block;
  for (std::size_t lane = 0; lane < philox::kLanes; ++lane) {
    philox_block(group * philox::kLanes + lane, 0, keys.key, block);
    for (std::size_t word = 0; word < 4; ++word) out[word * philox::kLanes + lane] = block[word];
  }
}

#else

using Words = hn::CappedTag<std::uint32_t, philox::kLanes>;
using WordVector = hn::Vec<Words>;

// Every other lane's counters through all rounds. The words stay in the even lanes: a multiplication reads no others,
// so that nothing needs to be moved or cleared between the rounds.
struct EvenLanes {
  WordVector c0, c1, c2, c3;

  HWY_INLINE void round(WordVector multiplier0, WordVector multiplier1, WordVector key0, WordVector key1) {
    const Words u;
    const auto product0 = hn::MulEven(c0, multiplier0), product1 = hn::MulEven(c2, multiplier1);
    c0 = hn::Xor3(hn::BitCast(u, hn::ShiftRight<32>(product1)), c1, key0);
    c1 = hn::BitCast(u, product1);
    c2 = hn::Xor3(hn::BitCast(u, hn::ShiftRight<32>(product0)), c3, key1);
    c3 = hn::BitCast(u, product0);
  }
};

HWY_INLINE WordVector interleaved(WordVector even, WordVector odd) {
  const Words u;
  const hn::RepartitionToWide<Words> wide;
  return hn::OddEven(hn::BitCast(u, hn::ShiftLeft<32>(hn::BitCast(wide, odd))), even);
}

// The 64 words of a group: counters 16 * group .. + 15.
HWY_INLINE void fill_group(std::uint64_t group, const RoundKeys& keys, std::uint32_t* out) {
  const Words u;
  const hn::RepartitionToWide<Words> wide;
  const auto multiplier0 = hn::Set(u, philox::kMultiplier0);
  const auto multiplier1 = hn::Set(u, philox::kMultiplier1);
  const std::uint64_t start = group * philox::kLanes;
  for (std::size_t lane = 0; lane < philox::kLanes; lane += hn::Lanes(u)) {
    // A group never crosses a multiple of 2^32, so only the low word differs between lanes.
    const auto counters = hn::Iota(u, static_cast<std::uint32_t>(start + lane));
    const auto high = hn::Set(u, static_cast<std::uint32_t>(start >> 32));
    EvenLanes even{counters, high, hn::Zero(u), hn::Zero(u)};
    EvenLanes odd{hn::BitCast(u, hn::ShiftRight<32>(hn::BitCast(wide, counters))), high, hn::Zero(u), hn::Zero(u)};
    for (int round = 0; round < philox::kRounds; ++round) {
      const auto key0 = hn::Set(u, keys.first[round]), key1 = hn::Set(u, keys.second[round]);
      even.round(multiplier0, multiplier1, key0, key1);
      odd.round(multiplier0, multiplier1, key0, key1);
    }
    hn::StoreU(interleaved(even.c0, odd.c0), u, out + lane);
    hn::StoreU(interleaved(even.c1, odd.c1), u, out + philox::kLanes + lane);
    hn::StoreU(interleaved(even.c2, odd.c2), u, out + 2 * philox::kLanes + lane);
    hn::StoreU(interleaved(even.c3, odd.c3), u, out + 3 * philox::kLanes + lane);
  }
}

#endif

// Calls take(offset into the run, words, how many) for the elements first .. first + count, group by group.
template <class Take>
HWY_INLINE void for_each_group(const RoundKeys& keys, std::uint64_t first, std::size_t count, const Take& take) {
  HWY_ALIGN std::uint32_t group[philox::kGroup];
  std::size_t done = 0;
  while (done < count) {
    const std::uint64_t element = first + done;
    const auto skip = static_cast<std::size_t>(element % philox::kGroup);
    const std::size_t take_count = std::min(philox::kGroup - skip, count - done);
    fill_group(element / philox::kGroup, keys, group);
    take(done, group + skip, take_count);
    done += take_count;
  }
}

void fill_words(std::uint64_t key, std::uint64_t first, std::uint32_t* out, std::size_t count) {
  const RoundKeys keys(key);
  const auto skip = static_cast<std::size_t>(first % philox::kGroup);
  std::size_t done = skip == 0 ? 0 : std::min(philox::kGroup - skip, count);
  for_each_group(keys, first, done, [&](std::size_t at, const std::uint32_t* words, std::size_t number) HWY_ATTR {
    std::copy_n(words, number, out + at);
  });
  for (; done + philox::kGroup <= count; done += philox::kGroup)
    fill_group((first + done) / philox::kGroup, keys, out + done);
  for_each_group(keys, first + done, count - done,
                 [&](std::size_t at, const std::uint32_t* words, std::size_t number)
                     HWY_ATTR { std::copy_n(words, number, out + done + at); });
}

void drop_values(std::uint64_t key, std::uint32_t below, std::uint64_t first, float* values, std::size_t count) {
  for_each_group(RoundKeys(key), first, count,
                 [&](std::size_t at, const std::uint32_t* words, std::size_t number) HWY_ATTR {
                   const hn::ScalableTag<float> f;
                   const hn::RebindToUnsigned<decltype(f)> u;
                   const std::size_t lanes = hn::Lanes(f);
                   std::size_t i = 0;
                   for (; i + lanes <= number; i += lanes) {
                     const auto kept = hn::RebindMask(f, hn::Lt(hn::LoadU(u, words + i), hn::Set(u, below)));
                     hn::StoreU(hn::IfThenElseZero(kept, hn::LoadU(f, values + at + i)), f, values + at + i);
                   }
                   for (; i < number; ++i) {
                     if (words[i] >= below) values[at + i] = 0;
                   }
                 });
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(fill_words);
HWY_EXPORT(drop_values);

RandomMask::RandomMask(std::uint64_t seed, std::string_view tensor, std::string_view model) {
  std::string names(tensor);
  names.push_back('\0');
  names.append(model);
  key_ = XXH3_64bits_withSeed(names.data(), names.size(), seed);
}

void RandomMask::words(std::uint64_t first, std::span<std::uint32_t> out) const {
  HWY_DYNAMIC_DISPATCH(fill_words)(key_, first, out.data(), out.size());
}

void RandomMask::apply(std::uint32_t keep_below, std::uint64_t first, std::span<float> values) const {
  HWY_DYNAMIC_DISPATCH(drop_values)(key_, keep_below, first, values.data(), values.size());
}

std::uint32_t keep_below(double density) {
  return static_cast<std::uint32_t>(std::clamp(std::floor(density * 4294967296.0), 0.0, 4294967295.0));
}

void philox_block(std::uint64_t counter_low, std::uint64_t counter_high, std::uint64_t key,
                  std::span<std::uint32_t, 4> out) {
  std::uint32_t c0 = static_cast<std::uint32_t>(counter_low), c1 = static_cast<std::uint32_t>(counter_low >> 32);
  std::uint32_t c2 = static_cast<std::uint32_t>(counter_high), c3 = static_cast<std::uint32_t>(counter_high >> 32);
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < philox::kRounds; ++round) {
    const std::uint64_t product0 = std::uint64_t{philox::kMultiplier0} * c0;
    const std::uint64_t product1 = std::uint64_t{philox::kMultiplier1} * c2;
    c0 = static_cast<std::uint32_t>(product1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(product1);
    c2 = static_cast<std::uint32_t>(product0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(product0);
    k0 += philox::kWeyl0;
    k1 += philox::kWeyl1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

}  // namespace cambium::merge
#endif
