#include "merge/order_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/select_kernels.h"
#include "support/merge_task.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

using testing_support::make_task;
using testing_support::MemoryOutput;
using testing_support::random_weights;

// Statistics of the values of a task's only input.
std::vector<OrderStatistic> find(const std::vector<float>& values, const std::vector<std::uint64_t>& ranks,
                                 const ExecuteOptions& options = {}) {
  const TensorTask task = make_task("passthrough", {static_cast<std::int64_t>(values.size())}, {{"m", values}});
  MemoryOutput out(DType::kF32, task.shape);
  TaskReport report;
  TensorRun run(task, out, options, report);
  std::vector<OrderQuery> queries;
  for (const std::uint64_t rank : ranks) queries.push_back({.channel = 0, .rank = rank});
  return find_order_statistics(run, Cut::kFlat, 1, queries, [](Piece& piece, std::span<const std::span<float>> scores) {
    std::ranges::copy(piece.inputs[0], scores[0].begin());
  });
}

void expect_right(const std::vector<float>& values, const ExecuteOptions& options, const std::string& what) {
  std::vector<float> sorted = values;
  std::ranges::sort(sorted, std::greater<>());
  const std::size_t n = values.size();
  const std::vector<std::uint64_t> ranks{0, n / 10, n / 4, n / 2, n - n / 50 - 1, n - 1};
  const std::vector<OrderStatistic> found = find(values, ranks, options);
  for (std::size_t q = 0; q < ranks.size(); ++q) {
    const float value = sorted[ranks[q]];
    EXPECT_EQ(found[q].value, value) << what << ", rank " << ranks[q];
    EXPECT_EQ(found[q].above, std::ranges::count_if(values, [&](float v) { return v > value; })) << what;
    EXPECT_EQ(found[q].equal, std::ranges::count(values, value)) << what;
    for (std::size_t piece = 0; piece < found[q].in_piece.size(); ++piece) {
      const auto begin = values.begin() + static_cast<std::ptrdiff_t>(piece * TensorRun::kPieceElements);
      const auto end = std::min(values.end(), begin + TensorRun::kPieceElements);
      EXPECT_EQ(found[q].in_piece[piece], std::count(begin, end, value)) << what << ", piece " << piece;
    }
  }
}

struct Distribution {
  const char* name;
  std::vector<float> values;
};

std::vector<Distribution> distributions(std::size_t n) {
  std::vector<Distribution> all;
  all.push_back({"normal", random_weights(n, 1)});
  all.push_back(
      {"bfloat16", testing_support::floats_of(DType::kBF16, testing_support::stored_as(DType::kBF16, all[0].values))});
  all.push_back({"constant", std::vector<float>(n, 0.5F)});
  all.push_back({"mostly zero", std::vector<float>(n)});
  for (std::size_t i = 0; i < n; i += 37) all.back().values[i] = static_cast<float>(i) - 0.4F * static_cast<float>(n);
  all.push_back({"rising, so that neighbours are alike", std::vector<float>(n)});
  for (std::size_t i = 0; i < n; ++i) all.back().values[i] = static_cast<float>(i);
  // What no sample sees: all large values in one place.
  all.push_back({"hidden peak", std::vector<float>(n, 0.0F)});
  for (std::size_t i = n / 3; i < std::min(n, n / 3 + 7); ++i) all.back().values[i] = 1e30F;
  all.push_back({"every power of two", std::vector<float>(n)});
  for (std::size_t i = 0; i < n; ++i)
    all.back().values[i] = std::ldexp(i % 2 == 0 ? 1.0F : -1.0F, static_cast<int>(i % 270) - 149);
  return all;
}

TEST(OrderStatistics, AreThoseOfTheSortedValuesWhateverTheDistribution) {
  for (const std::size_t n : {1U, 2U, 1000U, 65536U, 200001U}) {
    for (const Distribution& each : distributions(n))
      expect_right(each.values, {}, std::string(each.name) + " of " + std::to_string(n));
  }
}

TEST(OrderStatistics, AreTheSameWithLittleMemoryAndSeveralThreads) {
  Workers workers(4);
  for (const Distribution& each : distributions(150007)) {
    expect_right(each.values, {.workers = &workers, .memory_bytes = 2000}, each.name);
  }
}

TEST(TopCut, KeepsExactlyKAndOfEqualOnesTheLowestIndices) {
  const std::size_t n = 40000;
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = static_cast<float>(i * 31 % 11) - 5;  // magnitudes 0..5, thousands of each
  for (const std::uint64_t k : {1U, 500U, 7272U, 7273U, 20000U, 39999U}) {
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    std::ranges::stable_sort(order,
                             [&](std::size_t a, std::size_t b) { return std::abs(values[a]) > std::abs(values[b]); });
    std::vector<float> expected(n);
    for (std::size_t i = 0; i < k; ++i) expected[order[i]] = values[order[i]];

    std::vector<float> sizes(n);
    magnitudes(values, sizes);
    const TopCut cut = TopCut::of(find(sizes, {k - 1})[0], k);
    std::vector<float> kept = values, dropped = values;
    for (std::size_t first = 0; first < n; first += TensorRun::kPieceElements) {
      Piece piece;
      piece.index = first / TensorRun::kPieceElements;
      const std::size_t count = std::min(TensorRun::kPieceElements, n - first);
      cut.keep(piece, std::span(values).subspan(first, count), std::span(kept).subspan(first, count));
      cut.drop(piece, std::span(values).subspan(first, count), std::span(dropped).subspan(first, count));
    }
    EXPECT_EQ(kept, expected) << k;
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(dropped[i] + kept[i], values[i]) << k;
  }
}

TEST(OrderKeys, RiseWithTheFloatAndComeBack) {
  const std::vector<float> rising{-INFINITY, -3e38F, -1, -1e-45F, 0, 1e-45F, 0.5F, 1, 3e38F, INFINITY};
  for (std::size_t i = 0; i < rising.size(); ++i) {
    EXPECT_EQ(from_order_key(order_key(rising[i])), rising[i]);
    EXPECT_TRUE(i == 0 || order_key(rising[i - 1]) < order_key(rising[i]));
  }
  EXPECT_EQ(order_key(-0.0F), order_key(0.0F));
}

}  // namespace
}  // namespace cambium::merge
