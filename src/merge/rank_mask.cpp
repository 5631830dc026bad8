#include "merge/rank_mask.h"

#include <algorithm>
#include <bit>

namespace cambium::merge {

namespace {

// Bins of the float bits of magnitudes: 128 to a power of two, as fine as bfloat16, over the largest 16 powers of two
// of the row; all smaller ones share bin 0.
constexpr int kBinShift = 16;
constexpr std::int32_t kBins = 2048;

std::int32_t magnitude_bits(float value) {
  return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(value) & 0x7fffffffU);
}

// Counting the smaller values of a row costs about its length / 16; past this many counts a sort is cheaper.
constexpr std::size_t kMostCounts = 256;

}  // namespace

struct RankMask::Room {
  std::vector<std::int32_t> bits;      // magnitudes of the row; positive, so that they compare as signed words
  std::vector<std::uint32_t> words;    // its random words
  std::vector<std::uint32_t> starts;   // rank of the first value of each bin; one more at the end
  std::vector<std::uint32_t> unclear;  // elements whose bin does not decide
  std::vector<std::uint64_t> sorted;
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
  Room room;
  room.bits.resize(row_elements);
  room.words.resize(row_elements);
  for (std::size_t at = 0; at < values.size(); at += row_elements) {
    apply_row(first + at, values.subspan(at, row_elements), room);
  }
}

void RankMask::apply_row(std::uint64_t first, std::span<float> row, Room& room) const {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    room.bits[i] = magnitude_bits(row[i]);
    largest = std::max(largest, room.bits[i]);
  }
  if (largest == 0) return;
  random_.words(first, room.words);
  const std::int32_t bottom = std::max(0, (largest >> kBinShift) - (kBins - 1));
  const auto bin_of = [&](std::size_t i) {
    return static_cast<std::size_t>(std::max(0, (room.bits[i] >> kBinShift) - bottom));
  };
  room.starts.assign(kBins + 1, 0);
  for (std::size_t i = 0; i < row.size(); ++i) ++room.starts[bin_of(i) + 1];
  for (std::size_t bin = 0; bin < kBins; ++bin) room.starts[bin + 1] += room.starts[bin];

  room.unclear.clear();
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::uint32_t word = room.words[i];
    if (word < keep_below_.front()) continue;
    const std::size_t bin = bin_of(i);
    if (word >= keep_below_[room.starts[bin + 1] - 1]) {
      row[i] = 0;
    } else if (word >= keep_below_[room.starts[bin]] && room.bits[i] != 0) {
      room.unclear.push_back(static_cast<std::uint32_t>(i));
    }
  }
  if (room.unclear.size() > kMostCounts) return resolve_by_sorting(row, room);
  for (const std::uint32_t i : room.unclear) {
    const std::int32_t own = room.bits[i];
    std::uint32_t rank = 0;
    for (const std::int32_t bits : room.bits) rank += bits < own ? 1U : 0U;
    for (std::size_t j = 0; j < i; ++j) rank += room.bits[j] == own ? 1U : 0U;
    if (room.words[i] >= keep_below_[rank]) row[i] = 0;
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
