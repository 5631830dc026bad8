#include "shift/tensor_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "shift/bfloat16_pairs.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::shift {
namespace {

// Unit of work and of the order of sums.
constexpr std::size_t kBlockElements = std::size_t{1} << 18;
// Pages are given back for so many blocks at once: each time interrupts the other threads.
constexpr std::size_t kReleasedBlocks = 16;
// Small enough that what is read stays in the first-level cache until it is summed.
constexpr std::size_t kChunkElements = 1024;

std::size_t row_elements(const Shape& shape) {
  std::size_t elements = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) elements *= static_cast<std::size_t>(shape[i]);
  return elements;
}

// Moves the finite pairs to the front. @return how many
std::size_t keep_finite(std::span<float> base, std::span<float> tuned) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < base.size(); ++i) {
    if (!std::isfinite(base[i]) || !std::isfinite(tuned[i])) continue;
    base[kept] = base[i];
    tuned[kept++] = tuned[i];
  }
  return kept;
}

}  // namespace

TensorComparison::TensorComparison(const family::TensorReader& base, const family::TensorReader& tuned, HeadSlots heads,
                                   bool allow_nonfinite)
    : base_(base), tuned_(tuned), heads_(std::move(heads)), allow_nonfinite_(allow_nonfinite) {
  cut_into_blocks();
}

void TensorComparison::cut_into_blocks() {
  const auto cut = [this](std::size_t first, std::size_t end) {
    for (; first < end; first += kBlockElements) blocks_.push_back({first, std::min(kBlockElements, end - first)});
  };
  const Shape& shape = base_.shape();
  if (base_.complete() && tuned_.complete()) return cut(0, numel(shape));
  const std::size_t row = row_elements(shape), rows = static_cast<std::size_t>(shape[0]);
  const auto shared = [this](std::size_t r) {
    return base_.has_row(static_cast<std::int64_t>(r)) && tuned_.has_row(static_cast<std::int64_t>(r));
  };
  for (std::size_t begin = 0; begin < rows;) {
    std::size_t end = begin;
    while (end < rows && shared(end)) ++end;
    cut(begin * row, end * row);
    begin = end + 1;
  }
}

// The head that an element belongs to, and how many elements from it on do, too.
std::size_t TensorComparison::slot_of(std::size_t element, std::size_t& run) const {
  const auto inner_size = static_cast<std::size_t>(heads_.inner_size);
  const std::size_t index = heads_.inner ? element % inner_size : element / inner_size;
  const auto end = static_cast<std::size_t>(heads_.run_end[index]);
  run = heads_.inner ? end - index : end * inner_size - element;
  return static_cast<std::size_t>(heads_.of_index[index]);
}

void TensorComparison::refuse(std::size_t element, float base, float tuned) const {
  const bool in_base = !std::isfinite(base);
  throw ValueError(
      fmt::format("{}: element {} of {} is {}; no shift can be computed with it, pass --allow-nonfinite to leave such "
                  "values out",
                  in_base ? base_.label() : tuned_.label(), element, to_string(base_.shape()), in_base ? base : tuned));
}

// Calls visit(slot, first element, elements) for the stretches within one head.
template <class Visit>
void TensorComparison::for_each_run(std::size_t first, std::size_t count, const Visit& visit) const {
  if (heads_.slots.empty()) return visit(0, first, count);
  while (count > 0) {
    std::size_t run = count;
    const std::size_t slot = slot_of(first, run);
    run = std::min(run, count);
    visit(slot, first, run);
    first += run;
    count -= run;
  }
}

// Calls visit(first element, elements) for what is read at a time.
template <class Visit>
void TensorComparison::for_each_chunk(const Block& block, const Visit& visit) const {
  // A tensor that must be put together is read in one go: its pieces lie far apart.
  const bool in_place = !base_.stored().empty() && !tuned_.stored().empty();
  const std::size_t chunk = in_place ? kChunkElements : block.count;
  for (std::size_t done = 0; done < block.count; done += chunk)
    visit(block.first + done, std::min(chunk, block.count - done));
}

// Calls visit(slot, base values, tuned values) for the stretches within one head. @return pairs left out
template <class Visit>
std::uint64_t TensorComparison::for_each_segment(std::size_t first, std::size_t count, ComparisonScratch& scratch,
                                                 const Visit& visit) const {
  if (scratch.base.size() < count) {
    scratch.base.resize(count);
    scratch.tuned.resize(count);
    scratch.magnitudes.resize(count);
  }
  const std::span<float> base = std::span(scratch.base).first(count), tuned = std::span(scratch.tuned).first(count);
  base_.read(first, base);
  tuned_.read(first, tuned);
  const std::size_t bad = std::min(first_nonfinite(base), first_nonfinite(tuned));
  if (bad < count && !allow_nonfinite_) refuse(first + bad, base[bad], tuned[bad]);
  std::uint64_t nonfinite = 0;
  for_each_run(first, count, [&](std::size_t slot, std::size_t begin, std::size_t run) {
    const std::size_t at = begin - first;
    const std::size_t kept = bad < count ? keep_finite(base.subspan(at, run), tuned.subspan(at, run)) : run;
    nonfinite += run - kept;
    visit(slot, base.subspan(at, kept), tuned.subspan(at, kept));
  });
  return nonfinite;
}

void TensorComparison::release(std::size_t first_block, std::size_t count) const {
  if (blocks_.empty()) return;
  const Block &first = blocks_[first_block], &last = blocks_[std::min(first_block + count, blocks_.size()) - 1];
  base_.release(first.first, last.first + last.count - first.first);
  tuned_.release(first.first, last.first + last.count - first.first);
}

TensorComparison::BlockResult TensorComparison::compare(const Block& block, ComparisonScratch& scratch) const {
  scratch.lanes.assign(std::max<std::size_t>(1, heads_.slots.size()), MomentLanes{});
  BlockResult result;
  std::size_t lowest = scratch.lanes.size(), highest = 0;
  const auto lanes_of = [&](std::size_t slot) -> MomentLanes& {
    lowest = std::min(lowest, slot);
    highest = std::max(highest, slot);
    return scratch.lanes[slot];
  };
  const auto add_values = [&](std::size_t slot, std::span<const float> base, std::span<const float> tuned) {
    const std::span<float> magnitudes = std::span(scratch.magnitudes).first(base.size());
    const MagnitudeRange range = lanes_of(slot).add(base, tuned, magnitudes);
    scratch.table.add(magnitudes, range);
  };
  const std::span<const std::byte> base = base_.stored(), tuned = tuned_.stored();
  const bool bfloat16 =
      base_.dtype() == DType::kBF16 && tuned_.dtype() == DType::kBF16 && !base.empty() && !tuned.empty();
  const auto add_stored = [&](std::size_t slot, std::size_t first, std::size_t count) {
    const auto part = [&](std::span<const std::byte> stored) { return stored.subspan(2 * first, 2 * count); };
    if (add_bfloat16_pairs(part(base), part(tuned), lanes_of(slot), scratch.table)) return;
    result.nonfinite += for_each_segment(first, count, scratch, add_values);
  };
  for_each_chunk(block, [&](std::size_t first, std::size_t count) {
    if (bfloat16) {
      for_each_run(first, count, add_stored);
    } else {
      result.nonfinite += for_each_segment(first, count, scratch, add_values);
    }
  });
  result.first_slot = lowest;
  for (std::size_t slot = lowest; slot <= highest; ++slot) result.slots.push_back(scratch.lanes[slot].total());
  return result;
}

std::vector<MassBucket> TensorComparison::run(std::span<ComparisonScratch> scratch, Workers& workers,
                                              Progress& progress, TensorShift& shift) const {
  std::vector<BlockResult> results(blocks_.size());
  workers.for_each(blocks_.size(), [&](std::size_t index, unsigned worker) {
    if (progress.stop_requested()) throw Interrupted("stopped before the shift was complete");
    results[index] = compare(blocks_[index], scratch[worker]);
    progress.advance(blocks_[index].count);
    // The group before this one: other threads may still be at blocks of this one.
    const std::size_t done = index + 1;
    if (done % kReleasedBlocks == 0 && done > kReleasedBlocks) release(done - 2 * kReleasedBlocks, kReleasedBlocks);
  });
  const std::size_t groups = blocks_.size() / kReleasedBlocks;
  release(groups == 0 ? 0 : (groups - 1) * kReleasedBlocks, 2 * kReleasedBlocks);

  for (const HeadSlot& slot : heads_.slots) shift.heads.push_back({slot, {}});
  for (const BlockResult& result : results) {
    shift.nonfinite += result.nonfinite;
    for (std::size_t i = 0; i < result.slots.size(); ++i) {
      shift.moments += result.slots[i];
      if (!shift.heads.empty()) shift.heads[result.first_slot + i].moments += result.slots[i];
    }
  }
  std::vector<MassBucket> buckets;
  for (ComparisonScratch& one : scratch) {
    const std::vector<MassBucket> more = one.table.take();
    buckets = buckets.empty() ? more : merge_buckets(buckets, more);
  }
  shift.curve = mass_curve(buckets, [&](const std::function<void(std::span<const float>)>& piece) {
    ComparisonScratch& again = scratch[0];
    for (const Block& block : blocks_) {
      const auto visit = [&](std::size_t, std::span<const float> base, std::span<const float> tuned) {
        const std::span<float> magnitudes = std::span(again.magnitudes).first(base.size());
        MomentLanes unused;
        unused.add(base, tuned, magnitudes);
        piece(magnitudes);
      };
      for_each_chunk(block,
                     [&](std::size_t first, std::size_t count) { (void)for_each_segment(first, count, again, visit); });
      base_.release(block.first, block.count);
      tuned_.release(block.first, block.count);
    }
  });
  return buckets;
}

}  // namespace cambium::shift
