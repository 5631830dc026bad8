#include "merge/rank_mask.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/rank_mask.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<std::int32_t>;

// bits = |row| as positive integers, which rise with the magnitude. Returns the largest.
std::int32_t take_magnitude_bits(const float* row, std::size_t count, std::int32_t* bits) {
  const Words w;
  const std::size_t lanes = hn::Lanes(w);
  const auto* words = reinterpret_cast<const std::int32_t*>(row);
  auto largest = hn::Zero(w);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto magnitude = hn::And(hn::LoadU(w, words + i), hn::Set(w, 0x7fffffff));
    largest = hn::Max(largest, magnitude);
    hn::StoreU(magnitude, w, bits + i);
  }
  std::int32_t top = hn::GetLane(hn::MaxOfLanes(w, largest));
  for (; i < count; ++i) {
    std::memcpy(&bits[i], row + i, sizeof(float));
    bits[i] &= 0x7fffffff;
    top = std::max(top, bits[i]);
  }
  return top;
}

// bins = max(0, (bits >> shift) - bottom)
void take_bins(const std::int32_t* bits, std::size_t count, int shift, std::int32_t bottom, std::int32_t* bins) {
  const Words w;
  const std::size_t lanes = hn::Lanes(w);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bin = hn::Sub(hn::ShiftRightSame(hn::LoadU(w, bits + i), shift), hn::Set(w, bottom));
    hn::StoreU(hn::Max(bin, hn::Zero(w)), w, bins + i);
  }
  for (; i < count; ++i) bins[i] = std::max(0, (bits[i] >> shift) - bottom);
}

// Zeroes the values whose word is >= never; lists the indices of those with always <= word < never in `open`. Returns
// their number.
std::size_t decide_by_word(const std::uint32_t* words, std::uint32_t always, std::uint32_t never, std::size_t count,
                           float* row, std::uint32_t* open) {
  const hn::ScalableTag<float> f;
  const hn::RebindToUnsigned<decltype(f)> u;
  const std::size_t lanes = hn::Lanes(u);
  std::size_t found = 0;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto word = hn::LoadU(u, words + i);
    const auto below_never = hn::Lt(word, hn::Set(u, never));
    const auto undecided = hn::AndNot(hn::Lt(word, hn::Set(u, always)), below_never);
    hn::StoreU(hn::IfThenElseZero(hn::RebindMask(f, below_never), hn::LoadU(f, row + i)), f, row + i);
    found += hn::CompressBlendedStore(hn::Iota(u, static_cast<std::uint32_t>(i)), undecided, u, open + found);
  }
  for (; i < count; ++i) {
    if (words[i] >= never) {
      row[i] = 0;
    } else if (words[i] >= always) {
      open[found++] = static_cast<std::uint32_t>(i);
    }
  }
  return found;
}

// Number of values before element `index` in the order of (magnitude, index).
std::uint32_t rank_of(const std::int32_t* bits, std::size_t count, std::size_t index) {
  const Words w;
  const std::size_t lanes = hn::Lanes(w);
  const std::int32_t own = bits[index];
  const auto limit = hn::Set(w, own);
  std::size_t rank = 0;
  std::size_t i = 0;
  // Ties count up to the index: there bits <= own, after it bits < own.
  for (; i + lanes <= index; i += lanes) rank += lanes - hn::CountTrue(w, hn::Gt(hn::LoadU(w, bits + i), limit));
  for (; i < index; ++i) rank += bits[i] <= own ? 1U : 0U;
  for (; i < count && i % lanes != 0; ++i) rank += bits[i] < own ? 1U : 0U;
  for (; i + lanes <= count; i += lanes) rank += hn::CountTrue(w, hn::Lt(hn::LoadU(w, bits + i), limit));
  for (; i < count; ++i) rank += bits[i] < own ? 1U : 0U;
  return static_cast<std::uint32_t>(rank);
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(take_magnitude_bits);
HWY_EXPORT(take_bins);
HWY_EXPORT(decide_by_word);
HWY_EXPORT(rank_of);

namespace {

// A bin is 1/64 of a power of two; the largest 16 powers of two of a row have bins, all smaller values share bin 0.
// Long rows have bins half as wide: as many values to a bin.
constexpr std::size_t kLongRow = 6000;
constexpr int kPowers = 16;

// Counting the smaller values of a row costs about its length / 16; past this many counts a sort is cheaper.
constexpr std::size_t kMostCounts = 256;

}  // namespace

struct RankMask::Room {
  std::vector<std::int32_t> bits;     // magnitudes of the row; positive, so that they compare as signed words
  std::vector<std::int32_t> bins;     // where each lies
  std::vector<std::uint32_t> words;   // its random words
  std::vector<std::uint32_t> starts;  // rank of the first value of each bin; one more at the end
  std::vector<std::uint32_t> open;    // elements that their word alone does not decide
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
  const std::int32_t largest = HWY_DYNAMIC_DISPATCH(take_magnitude_bits)(row.data(), count, room.bits.data());
  if (largest == 0) return;
  const int shift = count < kLongRow ? 17 : 16;
  const std::size_t bins = static_cast<std::size_t>(kPowers) << (23 - shift);
  const std::int32_t bottom = std::max(0, (largest >> shift) - static_cast<std::int32_t>(bins - 1));
  HWY_DYNAMIC_DISPATCH(take_bins)(room.bits.data(), count, shift, bottom, room.bins.data());
  room.starts.assign(bins + 1, 0);
  for (const std::int32_t bin : room.bins) ++room.starts[static_cast<std::size_t>(bin) + 1];
  for (std::size_t bin = 0; bin < bins; ++bin) room.starts[bin + 1] += room.starts[bin];

  random_.words(first, room.words);
  const std::size_t open = HWY_DYNAMIC_DISPATCH(decide_by_word)(
      room.words.data(), keep_below_.front(), keep_below_.back(), count, row.data(), room.open.data());
  // Without branches: which way an element goes is as good as random.
  std::size_t unclear = 0;
  for (std::size_t k = 0; k < open; ++k) {
    const std::uint32_t i = room.open[k];
    const auto bin = static_cast<std::size_t>(room.bins[i]);
    const bool dropped = room.words[i] >= keep_below_[room.starts[bin + 1] - 1];
    const bool kept = room.words[i] < keep_below_[room.starts[bin]];
    row[i] = dropped ? 0.0F : row[i];
    room.open[unclear] = i;
    unclear += static_cast<std::size_t>(!dropped && !kept && room.bits[i] != 0);
  }
  if (unclear > kMostCounts) return resolve_by_sorting(row, room);
  for (std::size_t k = 0; k < unclear; ++k) {
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
  for (std::size_t rank = 0; rank < row.size(); ++rank) {
    const auto i = static_cast<std::uint32_t>(room.sorted[rank]);
    if (room.words[i] >= keep_below_[rank]) row[i] = 0;
  }
}

}  // namespace cambium::merge
#endif
