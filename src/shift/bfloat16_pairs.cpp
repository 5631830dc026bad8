#include "shift/bfloat16_pairs.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shift/bfloat16_pairs.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "shift/moment_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::shift {
namespace HWY_NAMESPACE {
namespace {

// Values in work at a time: what is looked at first is then summed out of the first-level cache.
constexpr std::size_t kPiece = 1024;
// Values that all kernels take whole, whatever the vectors are.
constexpr std::size_t kGroup = 32;
constexpr std::uint32_t kLowMask = (1U << MagnitudeTable::kLowBits) - 1;

struct Survey {
  std::size_t equal = 0, sign_changes = 0;
};

bool all_finite(const std::uint16_t* HWY_RESTRICT base, const std::uint16_t* HWY_RESTRICT tuned, std::size_t count) {
  const hn::CappedTag<std::uint16_t, kGroup> words;
  const auto magnitude = hn::Set(words, 0x7fff);
  auto largest = hn::Zero(words);
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    const auto b = hn::And(hn::LoadU(words, base + i), magnitude), t = hn::And(hn::LoadU(words, tuned + i), magnitude);
    largest = hn::Max(largest, hn::Max(b, t));
  }
  return hn::AllFalse(words, hn::Gt(largest, hn::Set(words, 0x7f7f)));
}

Survey survey(const std::uint16_t* HWY_RESTRICT base, const std::uint16_t* HWY_RESTRICT tuned, std::size_t count) {
  const hn::CappedTag<std::uint16_t, kGroup> words;
  const auto magnitude = hn::Set(words, 0x7fff);
  const auto zero = hn::Zero(words);
  Survey result;
  for (std::size_t i = 0; i < count; i += hn::Lanes(words)) {
    const auto b = hn::LoadU(words, base + i), t = hn::LoadU(words, tuned + i);
    const auto b_size = hn::And(b, magnitude), t_size = hn::And(t, magnitude);
    const auto both_zero = hn::Eq(hn::Or(b_size, t_size), zero);
    result.equal += hn::CountTrue(words, hn::Or(hn::Eq(b, t), both_zero));
    // The smaller magnitude is 0 if either is.
    const auto signs = hn::AndNot(magnitude, hn::Xor(b, t));
    const auto opposite = hn::And(hn::Ne(signs, zero), hn::Ne(hn::Min(b_size, t_size), zero));
    result.sign_changes += hn::CountTrue(words, opposite);
  }
  return result;
}

#if HWY_TARGET == HWY_SCALAR

// One element at a time: element i in lane i % 8, as the vectors do.
void sum_groups(const std::uint16_t* base, const std::uint16_t* tuned, std::size_t count, MomentLanes& sums,
                MagnitudeTable::Counters& counters) {
  const auto widen = [](const std::uint16_t* from) {
    std::uint16_t half;
    std::memcpy(&half, from, sizeof(half));
    return std::bit_cast<float>(std::uint32_t{half} << 16);
  };
  for (std::size_t i = 0; i < count; ++i) {
    const float b = widen(base + i), t = widen(tuned + i);
    const double difference = static_cast<double>(t) - b, magnitude = std::abs(difference);
    const std::size_t lane = i % MomentLanes::kLanes;
    sums.absolute[lane] += magnitude;
    sums.squares[lane] += difference * difference;
    sums.base_squares[lane] += static_cast<double>(b) * b;
    sums.tuned_squares[lane] += static_cast<double>(t) * t;
    sums.products[lane] += static_cast<double>(b) * t;
    sums.largest[lane] = std::max(sums.largest[lane], magnitude);
    const auto bits = std::bit_cast<std::uint32_t>(std::min(std::abs(t - b), std::numeric_limits<float>::max()));
    ++counters.counts[bits >> MagnitudeTable::kLowBits];
    counters.low_sums[bits >> MagnitudeTable::kLowBits] += bits & kLowMask;
    counters.lowest = std::min(counters.lowest, bits - 1);
    counters.highest = std::max(counters.highest, bits);
  }
}

#else

constexpr std::size_t kVectorFloats = 16;
using Floats = hn::CappedTag<float, kVectorFloats>;
using Words = hn::RebindToUnsigned<Floats>;
using HalfWords = hn::Rebind<std::uint16_t, Floats>;
constexpr std::size_t kFloats = 2 * kWidth;  // in a vector
static_assert(kFloats == HWY_MIN(kVectorFloats, HWY_LANES(float)));

// Unrolled: this is half of the work.
template <std::size_t... k>
HWY_INLINE void count_keys(const std::uint32_t* HWY_RESTRICT keys, std::uint32_t* HWY_RESTRICT counts,
                           std::index_sequence<k...>) {
  (..., ++counts[keys[k]]);
}

// Whole groups of values; at most kPiece.
void sum_groups(const std::uint16_t* HWY_RESTRICT base, const std::uint16_t* HWY_RESTRICT tuned, std::size_t count,
                MomentLanes& moments, MagnitudeTable::Counters& counters) {
  const Floats f32;
  const Words u32;
  const Singles half;
  const auto largest_float = hn::Set(f32, std::numeric_limits<float>::max());
  const auto one = hn::Set(u32, 1U), low_mask = hn::Set(u32, kLowMask);
  auto lowest = hn::Set(u32, counters.lowest), highest = hn::Set(u32, counters.highest);
  MomentSums sums(moments);
  std::uint32_t* const HWY_RESTRICT counts = counters.counts;
  HWY_ALIGN std::uint32_t keys[kGroup];
  // Magnitudes with low bits; whole vectors are written.
  HWY_ALIGN std::uint32_t fine[kPiece + kGroup];
  std::size_t fines = 0;
  for (std::size_t i = 0; i < count; i += kGroup) {
    // The next piece, for whose memory the survey would wait.
    hwy::Prefetch(base + i + kPiece);
    hwy::Prefetch(tuned + i + kPiece);
    for (std::size_t k = 0; k < kGroup; k += kFloats) {
      const auto widen = [&](const std::uint16_t* from) {
        return hn::BitCast(f32, hn::ShiftLeft<16>(hn::PromoteTo(u32, hn::LoadU(HalfWords(), from + i + k))));
      };
      const auto b = widen(base), t = widen(tuned);
      const std::size_t v = k / kWidth % kVectors;
      sums.add(v, hn::LowerHalf(half, b), hn::LowerHalf(half, t));
      sums.add((v + 1) % kVectors, hn::UpperHalf(half, b), hn::UpperHalf(half, t));
      // In float32 directly: where float64 rounds the difference, the smaller value is too small to count here.
      const auto bits = hn::BitCast(u32, hn::Min(hn::Abs(hn::Sub(t, b)), largest_float));
      lowest = hn::Min(lowest, hn::Sub(bits, one));  // of 0 this is the largest number
      highest = hn::Max(highest, bits);
      hn::Store(hn::ShiftRight<MagnitudeTable::kLowBits>(bits), u32, keys + k);
      const auto low = hn::Ne(hn::And(bits, low_mask), hn::Zero(u32));
      hn::StoreU(hn::Compress(bits, low), u32, fine + fines);
      fines += hn::CountTrue(u32, low);
    }
    count_keys(keys, counts, std::make_index_sequence<kGroup>());
  }
  sums.store(moments);
  for (std::size_t i = 0; i < fines; ++i) {
    counters.low_sums[fine[i] >> MagnitudeTable::kLowBits] += fine[i] & kLowMask;
  }
  counters.lowest = hn::GetLane(hn::MinOfLanes(u32, lowest));
  counters.highest = hn::GetLane(hn::MaxOfLanes(u32, highest));
}

#endif

bool add_pairs(const std::uint16_t* base, const std::uint16_t* tuned, std::size_t count, MomentLanes& sums,
               MagnitudeTable& table) {
  // The rest with zeros behind it: they change no sum, but count as equal and as magnitudes of 0.
  const std::size_t whole = count / kGroup * kGroup, rest = count - whole;
  std::uint16_t rest_base[kGroup] = {}, rest_tuned[kGroup] = {};
  std::memcpy(rest_base, base + whole, rest * sizeof(*base));
  std::memcpy(rest_tuned, tuned + whole, rest * sizeof(*tuned));
  if (!all_finite(base, tuned, whole) || !all_finite(rest_base, rest_tuned, kGroup)) return false;

  MagnitudeTable::Counters counters = table.begin(count + kGroup);
  const auto add = [&](const std::uint16_t* b, const std::uint16_t* t, std::size_t values) {
    const Survey found = survey(b, t, values);
    sums.equal += found.equal;
    sums.sign_changes += found.sign_changes;
    sum_groups(b, t, values, sums, counters);
  };
  for (std::size_t done = 0; done < whole; done += kPiece)
    add(base + done, tuned + done, std::min(kPiece, whole - done));
  if (rest > 0) {
    add(rest_base, rest_tuned, kGroup);
    sums.equal -= kGroup - rest;
    counters.counts[0] -= static_cast<std::uint32_t>(kGroup - rest);
  }
  sums.count += count;
  table.end(counters);
  return true;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cambium::shift
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::shift {

HWY_EXPORT(add_pairs);

bool add_bfloat16_pairs(std::span<const std::byte> base, std::span<const std::byte> tuned, MomentLanes& sums,
                        MagnitudeTable& table) {
  assert(base.size() == tuned.size() && base.size() % 2 == 0);
  return HWY_DYNAMIC_DISPATCH(add_pairs)(reinterpret_cast<const std::uint16_t*>(base.data()),
                                         reinterpret_cast<const std::uint16_t*>(tuned.data()), base.size() / 2, sums,
                                         table);
}

}  // namespace cambium::shift
#endif
