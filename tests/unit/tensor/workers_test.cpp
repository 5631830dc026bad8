#include "tensor/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace cambium {
namespace {

TEST(Workers, RunsEachPieceOnceForAnyNumberOfThreads) {
  for (const unsigned threads : {1U, 2U, 4U, 7U}) {
    Workers workers(threads);
    for (const std::size_t count : {0U, 1U, 2U, 3U, 1000U}) {
      std::vector<std::atomic<int>> calls(count);
      workers.for_each(count, [&](std::size_t index, unsigned worker) {
        EXPECT_LT(worker, threads);
        ++calls[index];
      });
      for (const auto& n : calls) EXPECT_EQ(n, 1);
    }
  }
}

TEST(Workers, NoTwoPiecesShareAWorkerAtATime) {
  Workers workers(4);
  std::vector<std::atomic<int>> busy(4);
  workers.for_each(2000, [&](std::size_t, unsigned worker) {
    EXPECT_EQ(busy[worker]++, 0);
    --busy[worker];
  });
}

TEST(Workers, RethrowsTheFirstExceptionAndStaysUsable) {
  Workers workers(3);
  std::atomic<int> calls = 0;
  const auto fail = [&](std::size_t index, unsigned) {
    ++calls;
    if (index == 5) throw std::runtime_error("piece 5");
  };
  EXPECT_THROW(workers.for_each(1'000'000, fail), std::runtime_error);
  EXPECT_LT(calls, 1'000'000);
  std::atomic<int> sum = 0;
  workers.for_each(10, [&](std::size_t index, unsigned) { sum += static_cast<int>(index); });
  EXPECT_EQ(sum, 45);
}

TEST(Workers, APieceMayShareOutWorkOfItsOwn) {
  Workers workers(2);
  std::atomic<int> calls = 0;
  workers.for_each(4, [&](std::size_t, unsigned worker) {
    workers.for_each(3, [&](std::size_t, unsigned inner) {
      EXPECT_EQ(inner, worker);
      ++calls;
    });
  });
  EXPECT_EQ(calls, 12);
}

TEST(Workers, DefaultIsAtLeastOneThread) { EXPECT_GE(default_threads(), 1U); }

}  // namespace
}  // namespace cambium
