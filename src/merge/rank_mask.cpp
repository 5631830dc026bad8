#include "merge/rank_mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/rank_mask.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using SignedWords = hn::ScalableTag<std::int32_t>;

// A bin is 1/128 of a power of two, as fine as bfloat16. The largest eight powers of two of a row have bins, all
// smaller values, one in a hundred or so, share bin 0.
constexpr int kBinShift = 16;
constexpr std::size_t kBins = 1024;

// Where the counts of a bin are kept: 16 runs of 64 neighbouring bins lie side by side, so that vectors can add them
// up.
constexpr std::size_t kRuns = 16, kRunBins = kBins / kRuns;
constexpr int kRunBits = 6;
static_assert(kRunBins == std::size_t{1} << kRunBits);

// bits = |row| as positive integers, which rise with the magnitude. Returns the largest, and every bit that is set in
// one of them.
std::pair<std::int32_t, std::int32_t> take_magnitude_bits(const float* row, std::size_t count, std::int32_t* bits) {
  const SignedWords w;
  const std::size_t lanes = hn::Lanes(w);
  const auto* words = reinterpret_cast<const std::int32_t*>(row);
  auto largest = hn::Zero(w);
  auto used = hn::Zero(w);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto magnitude = hn::And(hn::LoadU(w, words + i), hn::Set(w, 0x7fffffff));
    largest = hn::Max(largest, magnitude);
    used = hn::Or(used, magnitude);
    hn::StoreU(magnitude, w, bits + i);
  }
  std::int32_t top = hn::GetLane(hn::MaxOfLanes(w, largest)), any = 0;
  HWY_ALIGN std::int32_t lane_bits[hn::MaxLanes(w)];
  hn::Store(used, w, lane_bits);
  for (std::size_t lane = 0; lane < lanes; ++lane) any |= lane_bits[lane];
  for (; i < count; ++i) {
    std::memcpy(&bits[i], row + i, sizeof(float));
    bits[i] &= 0x7fffffff;
    top = std::max(top, bits[i]);
    any |= bits[i];
  }
  return {top, any};
}

// bins = the places of max(0, (bits >> kBinShift) - bottom)
void take_bins(const std::int32_t* bits, std::size_t count, std::int32_t bottom, std::int32_t* bins) {
  const SignedWords w;
  const std::size_t lanes = hn::Lanes(w);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto signed_bin = hn::Sub(hn::ShiftRight<kBinShift>(hn::LoadU(w, bits + i)), hn::Set(w, bottom));
    const auto bin = hn::Max(signed_bin, hn::Zero(w));
    const auto in_run = hn::ShiftLeft<4>(hn::And(bin, hn::Set(w, kRunBins - 1)));
    hn::StoreU(hn::Or(in_run, hn::ShiftRight<kRunBits>(bin)), w, bins + i);
  }
  for (; i < count; ++i) {
    const std::int32_t bin = std::max(0, (bits[i] >> kBinShift) - bottom);
    bins[i] = static_cast<std::int32_t>((bin % kRunBins) * kRuns) + (bin >> kRunBits);
  }
}

// Adds counts up: starts[place] = number of values in lower bins.
void take_starts(const std::uint32_t* counts, std::uint32_t* starts) {
  const hn::CappedTag<std::uint32_t, kRuns> u;
  const std::size_t lanes = hn::Lanes(u);
  HWY_ALIGN std::uint32_t begins[kRuns];
  for (std::size_t run = 0; run < kRuns; run += lanes) {
    auto sum = hn::Zero(u);
    for (std::size_t at = run; at < kBins; at += kRuns) sum = hn::Add(sum, hn::LoadU(u, counts + at));
    hn::Store(sum, u, begins + run);
  }
  std::uint32_t before = 0;
  for (std::uint32_t& begin : begins) before += std::exchange(begin, before);
  for (std::size_t run = 0; run < kRuns; run += lanes) {
    auto sum = hn::Load(u, begins + run);
    for (std::size_t at = run; at < kBins; at += kRuns) {
      hn::StoreU(sum, u, starts + at);
      sum = hn::Add(sum, hn::LoadU(u, counts + at));
    }
  }
}

// Bounds of the words that an element of each bin is kept below, from the ranks of the bin: below low[b] whatever its
// rank, not below high[b] whatever its rank. They may be a little too careful, never wrong.
void take_bounds(const std::uint32_t* counts, const std::uint32_t* starts, float first, float step, std::uint32_t* low,
                 std::uint32_t* high) {
  const hn::ScalableTag<float> f;
  const hn::RebindToSigned<decltype(f)> w;
  const hn::RebindToUnsigned<decltype(f)> u;
  const std::size_t lanes = hn::Lanes(f);
  // SignedWords as floats lose 8 bits: bounds in units of 2^-23, one unit to the safe side.
  const auto chance = [&](auto ranks, float add) HWY_ATTR {
    const auto rank = hn::ConvertTo(f, hn::BitCast(w, ranks));
    const auto units = hn::Add(hn::Add(hn::Mul(rank, hn::Set(f, step)), hn::Set(f, first)), hn::Set(f, add));
    const auto top = hn::Set(f, 8388607.0F);
    const auto inside = hn::Min(hn::Max(units, hn::Zero(f)), top);
    const auto word = hn::ShiftLeft<9>(hn::BitCast(u, hn::ConvertTo(w, inside)));
    return hn::IfThenElse(hn::RebindMask(u, hn::Ge(units, top)), hn::Set(u, 0xffffffffU), word);
  };
  for (std::size_t bin = 0; bin < kBins; bin += lanes) {
    const auto start = hn::LoadU(u, starts + bin);
    hn::StoreU(chance(start, -4.0F), u, low + bin);
    hn::StoreU(chance(hn::Add(start, hn::LoadU(u, counts + bin)), 5.0F), u, high + bin);
  }
}

// Zeroes the values whose word is not below the upper bound of their bin; lists the indices of those between the
// bounds, but for zeros, in `open`. Returns their number. With `exact` the two bounds differ in bin 0 alone.
template <bool exact>
std::size_t decide_by_bin(const std::int32_t* bits, const std::int32_t* bins, const std::uint32_t* words,
                          const std::uint32_t* low, const std::uint32_t* high, std::size_t count, float* row,
                          std::uint32_t* open) {
  const hn::ScalableTag<float> f;
  const hn::RebindToSigned<decltype(f)> w;
  const hn::RebindToUnsigned<decltype(f)> u;
  const std::size_t lanes = hn::Lanes(u);
  std::size_t found = 0;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto word = hn::LoadU(u, words + i);
    const auto bin = hn::LoadU(w, bins + i);
    const auto below_high = hn::Lt(word, hn::GatherIndex(u, high, bin));
    auto decided = hn::Lt(word, hn::Set(u, low[0]));
    if constexpr (exact) {
      decided = hn::Or(decided, hn::RebindMask(u, hn::Ne(bin, hn::Zero(w))));
    } else {
      decided = hn::Lt(word, hn::GatherIndex(u, low, bin));
    }
    const auto is_zero = hn::RebindMask(u, hn::Eq(hn::LoadU(w, bits + i), hn::Zero(w)));
    const auto unclear = hn::AndNot(hn::Or(decided, is_zero), below_high);
    hn::StoreU(hn::IfThenElseZero(hn::RebindMask(f, below_high), hn::LoadU(f, row + i)), f, row + i);
    found += hn::CompressBlendedStore(hn::Iota(u, static_cast<std::uint32_t>(i)), unclear, u, open + found);
  }
  for (; i < count; ++i) {
    const auto bin = static_cast<std::size_t>(bins[i]);
    if (words[i] >= high[bin]) {
      row[i] = 0;
    } else if ((!exact || bin == 0) && words[i] >= low[bin] && bits[i] != 0) {
      open[found++] = static_cast<std::uint32_t>(i);
    }
  }
  return found;
}

std::size_t decide_by_bounds(const std::int32_t* bits, const std::int32_t* bins, const std::uint32_t* words,
                             const std::uint32_t* low, const std::uint32_t* high, std::size_t count, float* row,
                             std::uint32_t* open) {
  return decide_by_bin<false>(bits, bins, words, low, high, count, row, open);
}

std::size_t decide_exactly(const std::int32_t* bits, const std::int32_t* bins, const std::uint32_t* words,
                           const std::uint32_t* low, const std::uint32_t* high, std::size_t count, float* row,
                           std::uint32_t* open) {
  return decide_by_bin<true>(bits, bins, words, low, high, count, row, open);
}

// SignedWords that the elements of each bin are kept below if a bin holds one magnitude: those of its middle rank.
void take_middle(const std::uint32_t* counts, const std::uint32_t* starts, std::size_t values,
                 const std::uint32_t* keep_below, std::uint32_t* bounds) {
  const hn::ScalableTag<std::int32_t> w;
  const hn::RebindToUnsigned<decltype(w)> u;
  const std::size_t lanes = hn::Lanes(w);
  // Empty bins past the last value ask for the rank after it.
  const auto last = hn::Set(w, static_cast<std::int32_t>(values) - 1);
  for (std::size_t bin = 0; bin < kBins; bin += lanes) {
    const auto start = hn::LoadU(u, starts + bin);
    const auto sum = hn::BitCast(w, hn::Add(hn::Add(start, start), hn::LoadU(u, counts + bin)));
    const auto middle = hn::ShiftRight<1>(hn::Max(hn::Sub(sum, hn::Set(w, 1)), hn::Zero(w)));
    hn::StoreU(hn::GatherIndex(u, keep_below, hn::Min(middle, last)), u, bounds + bin);
  }
}

// Middle rank of the values that have the magnitude of element `index`.
std::uint32_t rank_of(const std::int32_t* bits, std::size_t count, std::size_t index) {
  const SignedWords w;
  const std::size_t lanes = hn::Lanes(w);
  const std::int32_t own = bits[index];
  const auto limit = hn::Set(w, own);
  std::size_t smaller = 0, larger = 0;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(w, bits + i);
    smaller += hn::CountTrue(w, hn::Lt(value, limit));
    larger += hn::CountTrue(w, hn::Gt(value, limit));
  }
  for (; i < count; ++i) {
    smaller += bits[i] < own ? 1U : 0U;
    larger += bits[i] > own ? 1U : 0U;
  }
  return static_cast<std::uint32_t>((smaller + (count - larger) - 1) / 2);
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(take_magnitude_bits);
HWY_EXPORT(take_bins);
HWY_EXPORT(take_starts);
HWY_EXPORT(take_bounds);
HWY_EXPORT(decide_by_bounds);
HWY_EXPORT(decide_exactly);
HWY_EXPORT(rank_of);
HWY_EXPORT(take_middle);

namespace {

using HWY_NAMESPACE::kBins;
using HWY_NAMESPACE::kBinShift;

// Counting the smaller values of a row costs about its length / 16; past this many counts a sort is cheaper.
constexpr std::size_t kMostCounts = 256;

// Four at a time: the loop itself costs as much as the counting.
void count_bins(std::span<const std::int32_t> bins, std::uint32_t* counts) {
  const auto count = [&](std::size_t i) { ++counts[static_cast<std::size_t>(bins[i])]; };
  std::size_t i = 0;
  for (; i + 4 <= bins.size(); i += 4) count(i), count(i + 1), count(i + 2), count(i + 3);
  for (; i < bins.size(); ++i) count(i);
}

}  // namespace

struct RankMask::Room {
  std::vector<std::int32_t> bits;    // magnitudes of the row; positive, so that they compare as signed words
  std::vector<std::int32_t> bins;    // where each is counted
  std::vector<std::uint32_t> words;  // its random words
  std::vector<std::uint32_t> counts = std::vector<std::uint32_t>(kBins);  // of values in each bin
  std::vector<std::uint32_t> starts = std::vector<std::uint32_t>(kBins);  // rank of the first value of each bin
  std::vector<std::uint32_t> low = std::vector<std::uint32_t>(kBins);     // bounds of words, by bin
  std::vector<std::uint32_t> high = std::vector<std::uint32_t>(kBins);
  std::vector<std::uint32_t> open;  // elements that their bin does not decide
  std::vector<std::uint64_t> sorted;

  explicit Room(std::size_t row) : bits(row), bins(row), words(row), open(row) {}
};

RankMask::RankMask(const RandomMask& random, double density, double epsilon, std::size_t row_elements)
    : random_(random), keep_below_(row_elements) {
  for (std::size_t rank = 0; rank < row_elements; ++rank) {
    // A row of one has no ranks: it is kept with the probability in the middle.
    const double share = row_elements == 1 ? 0.5 : static_cast<double>(rank) / static_cast<double>(row_elements - 1);
    keep_below_[rank] = keep_below(density - epsilon + 2 * epsilon * share);
  }
  constexpr double kWordsPerUnit = 512;
  first_unit_ = static_cast<float>(keep_below_.front() / kWordsPerUnit);
  if (row_elements > 1) {
    unit_step_ = static_cast<float>((keep_below_.back() - keep_below_.front()) / kWordsPerUnit /
                                    static_cast<double>(row_elements - 1));
  }
}

void RankMask::apply(std::uint64_t first, std::span<float> values) const {
  const std::size_t row_elements = keep_below_.size();
  Room room(row_elements);
  for (std::size_t at = 0; at < values.size(); at += row_elements) {
    apply_row(first + at, values.subspan(at, row_elements), room);
  }
}

void RankMask::apply_row(std::uint64_t first, std::span<float> row, Room& room) const {
  const std::size_t count = row.size();
  const auto [largest, used] = HWY_DYNAMIC_DISPATCH(take_magnitude_bits)(row.data(), count, room.bits.data());
  if (largest == 0) return;
  const std::int32_t bottom = std::max(0, (largest >> kBinShift) - static_cast<std::int32_t>(kBins - 1));
  HWY_DYNAMIC_DISPATCH(take_bins)(room.bits.data(), count, bottom, room.bins.data());
  std::ranges::fill(room.counts, 0U);
  count_bins(room.bins, room.counts.data());
  HWY_DYNAMIC_DISPATCH(take_starts)(room.counts.data(), room.starts.data());
  // Rows of bfloat16 values have one magnitude in each bin but the first.
  const bool exact = (used & ((1 << kBinShift) - 1)) == 0;
  if (exact) {
    HWY_DYNAMIC_DISPATCH(take_middle)
    (room.counts.data(), room.starts.data(), count, keep_below_.data(), room.high.data());
    room.low[0] = keep_below_.front();
    room.high[0] = keep_below_[std::max(1U, room.counts[0]) - 1];
  } else {
    HWY_DYNAMIC_DISPATCH(take_bounds)
    (room.counts.data(), room.starts.data(), first_unit_, unit_step_, room.low.data(), room.high.data());
  }

  random_.words(first, room.words);
  const auto decide = exact ? HWY_DYNAMIC_DISPATCH(decide_exactly) : HWY_DYNAMIC_DISPATCH(decide_by_bounds);
  const std::size_t open = decide(room.bits.data(), room.bins.data(), room.words.data(), room.low.data(),
                                  room.high.data(), count, row.data(), room.open.data());
  if (open > kMostCounts) return resolve_by_sorting(row, room);
  for (std::size_t k = 0; k < open; ++k) {
    const std::uint32_t i = room.open[k];
    if (room.words[i] >= keep_below_[HWY_DYNAMIC_DISPATCH(rank_of)(room.bits.data(), count, i)]) row[i] = 0;
  }
}

void RankMask::resolve_by_sorting(std::span<float> row, Room& room) const {
  room.sorted.clear();
  for (std::size_t i = 0; i < row.size(); ++i) {
    room.sorted.push_back((static_cast<std::uint64_t>(room.bits[i]) << 32) | i);
  }
  std::ranges::sort(room.sorted);
  for (std::size_t begin = 0, end = 0; begin < row.size(); begin = end) {
    const std::uint64_t magnitude = room.sorted[begin] >> 32;
    while (end < row.size() && room.sorted[end] >> 32 == magnitude) ++end;
    const std::uint32_t below = keep_below_[(begin + end - 1) / 2];
    for (std::size_t k = begin; k < end; ++k) {
      const auto i = static_cast<std::uint32_t>(room.sorted[k]);
      if (room.words[i] >= below) row[i] = 0;
    }
  }
}

}  // namespace cambium::merge
#endif
