#include "merge/global_threshold.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/select_kernels.h"
#include "merge/tensor_run.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::merge {

namespace {

// Magnitudes have 31 bits: a histogram of the upper 16 finds the bin of the K-th largest, one of the lower 15 inside it
// the value itself.
constexpr int kLowBits = 15;
constexpr std::size_t kHighBins = std::size_t{1} << 16;
constexpr std::size_t kLowBins = std::size_t{1} << kLowBits;

// Discards what is written: the search only reads.
class NoOutput final : public OutputTensor {
 public:
  void write(std::size_t, std::span<const std::byte>) override {}
};

class Search {
 public:
  Search(std::size_t count, const std::function<TensorTask(std::size_t)>& task, const ExecuteOptions& options)
      : count_(count),
        task_(task),
        options_(options),
        threads_(options.workers != nullptr ? options.workers->threads() : 1) {
    options_.memory_bytes = 0;  // each tensor is read once in a pass over all of them: give its pages back at once
  }

  GlobalThreshold find(double density) {
    constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
    GlobalThreshold result;
    const std::vector<std::uint64_t> high = histogram(kHighBins, [](std::uint32_t bits) { return bits >> kLowBits; });
    for (const std::uint64_t count : high) result.elements += count;
    if (density >= 1) {
      result.kept = result.elements;
      result.ties.assign(count_, kAll);
      return result;
    }
    result.ties.assign(count_, 0);
    if (density <= 0 || result.elements == 0) {
      result.magnitude = std::numeric_limits<float>::infinity();
      return result;
    }
    result.kept =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(density * static_cast<double>(result.elements)));

    std::uint64_t left = result.kept;
    const std::size_t high_bin = take_from_top(high, left);
    const std::vector<std::uint64_t> low = histogram(
        kLowBins, [&](std::uint32_t bits) { return bits >> kLowBits == high_bin ? bits & (kLowBins - 1) : kNoBin; });
    const std::size_t low_bin = take_from_top(low, left);
    result.magnitude = std::bit_cast<float>(static_cast<std::uint32_t>((high_bin << kLowBits) | low_bin));
    if (left == low[low_bin]) {
      result.ties.assign(count_, kAll);
    } else {
      share_ties(result, left);
    }
    return result;
  }

 private:
  static constexpr std::size_t kNoBin = std::numeric_limits<std::size_t>::max();

  // The bin, from the top, in which the element number `left` (from 1) lies; `left` becomes its number within that bin.
  static std::size_t take_from_top(const std::vector<std::uint64_t>& bins, std::uint64_t& left) {
    std::size_t bin = bins.size() - 1;
    while (left > bins[bin]) left -= bins[bin--];
    return bin;
  }

  // Calls use(worker, magnitudes of the differences) for every piece of a task.
  template <class Use>
  void scan(std::size_t index, const Use& use) {
    const TensorTask task = task_(index);
    if (task.inputs.size() != 2 || task.inputs[0].is_base == task.inputs[1].is_base) {
      throw RecipeError(
          fmt::format("{}: a threshold over the whole model needs one base and one other model, got {} inputs",
                      task.name, task.inputs.size()));
    }
    NoOutput out;
    TaskReport report;
    TensorRun run(task, out, options_, report);
    run.read(Cut::kFlat, [&](Piece& piece) {
      const std::span<float> vector = piece.inputs[run.tuned().front()];
      subtract(Rounding::kNone, piece.inputs[*run.base()], vector);
      magnitudes(vector, piece.out);
      use(piece.worker, std::span<const float>(piece.out));
    });
  }

  // Counts all differences by bin_of(bits); kNoBin is not counted.
  template <class BinOf>
  std::vector<std::uint64_t> histogram(std::size_t bins, const BinOf& bin_of) {
    std::vector<std::vector<std::uint64_t>> by_worker(threads_, std::vector<std::uint64_t>(bins));
    for (std::size_t i = 0; i < count_; ++i) {
      scan(i, [&](unsigned worker, std::span<const float> sizes) {
        std::vector<std::uint64_t>& own = by_worker[worker];
        for (const float size : sizes) {
          const std::size_t bin = bin_of(std::bit_cast<std::uint32_t>(size));
          if (bin != kNoBin) ++own[bin];
        }
      });
    }
    std::vector<std::uint64_t> total(bins);
    for (const std::vector<std::uint64_t>& own : by_worker) {
      for (std::size_t bin = 0; bin < bins; ++bin) total[bin] += own[bin];
    }
    return total;
  }

  // Gives the ties that are kept to the first tasks that have some.
  void share_ties(GlobalThreshold& result, std::uint64_t left) {
    for (std::size_t i = 0; i < count_ && left > 0; ++i) {
      std::vector<std::uint64_t> by_worker(threads_);
      scan(i, [&](unsigned worker, std::span<const float> sizes) {
        by_worker[worker] += collect_between(result.magnitude, result.magnitude, sizes, {}).inside;
      });
      std::uint64_t equal = 0;
      for (const std::uint64_t count : by_worker) equal += count;
      result.ties[i] = std::min(equal, left);
      left -= result.ties[i];
    }
  }

  std::size_t count_;
  const std::function<TensorTask(std::size_t)>& task_;
  ExecuteOptions options_;
  unsigned threads_;
};

}  // namespace

GlobalThreshold find_global_threshold(std::size_t count, const std::function<TensorTask(std::size_t)>& task,
                                      double density, const ExecuteOptions& options) {
  return Search(count, task, options).find(density);
}

}  // namespace cambium::merge
