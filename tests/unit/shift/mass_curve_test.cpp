#include "shift/mass_curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace cambium::shift {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::IsNan;

MassCurve by_sorting(std::vector<float> magnitudes) {
  std::ranges::sort(magnitudes, std::greater());
  double total = 0;
  for (const float m : magnitudes) total += m;
  MassCurve curve;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const auto n = static_cast<std::size_t>(kMassShares[i] * static_cast<double>(magnitudes.size()));
    double sum = 0;
    for (std::size_t k = 0; k < std::max<std::size_t>(1, n); ++k) sum += magnitudes[k];
    curve[i] = sum / total;
  }
  return curve;
}

void add(const std::vector<float>& magnitudes, MagnitudeTable& table) {
  MagnitudeRange range{std::numeric_limits<float>::infinity(), 0};
  for (const float m : magnitudes) {
    if (m > 0) range.smallest = std::min(range.smallest, m);
    range.largest = std::max(range.largest, m);
  }
  table.add(magnitudes, range);
}

struct Measured {
  MassCurve curve;
  int second_reads = 0;
};

Measured by_table(const std::vector<float>& magnitudes) {
  MagnitudeTable table;
  add(magnitudes, table);
  Measured measured;
  measured.curve = mass_curve(table.take(), [&](const auto& piece) {
    ++measured.second_reads;
    piece(std::span(magnitudes).first(magnitudes.size() / 2));
    piece(std::span(magnitudes).subspan(magnitudes.size() / 2));
  });
  return measured;
}

void expect_equal(const MassCurve& curve, const MassCurve& expected, double tolerance) {
  for (std::size_t i = 0; i < curve.size(); ++i)
    EXPECT_NEAR(curve[i], expected[i], tolerance * expected[i]) << kMassShares[i];
}

TEST(MassCurve, OfTwentyValuesByHand) {
  // Ten 9s and ten 1s: the largest 1 and 5 % are one value, then 2, 5 and 10 of 20; the sum is 100.
  std::vector<float> magnitudes(20, 1);
  std::fill_n(magnitudes.begin() + 5, 10, 9.0F);
  EXPECT_THAT(by_table(magnitudes).curve, ElementsAre(0.09, 0.09, 0.18, 0.45, 0.90));
  EXPECT_EQ(by_table(magnitudes).second_reads, 0);
}

TEST(MassCurve, OfNothingMovedIsUndefined) {
  EXPECT_THAT(by_table({0, 0, 0}).curve, Each(IsNan()));
  EXPECT_THAT(by_table({}).curve, Each(IsNan()));
}

TEST(MassCurve, IsExactForEveryDistribution) {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  const std::vector<std::function<double()>> draws{
      [&] { return std::abs(normal(random)) * 1e-3; },
      [&] { return std::exp(6 * normal(random)); },
      [&] { return 1 + uniform(random) * 1e-3; },                   // all in one or two buckets
      [&] { return uniform(random) < 0.8 ? 0 : uniform(random); },  // mostly unchanged
      [&] { return std::ldexp(std::floor(8 * uniform(random)), -14); },
      [&] { return std::abs(normal(random)) * 1e-42; },  // subnormal
  };
  for (std::size_t draw = 0; draw < draws.size(); ++draw) {
    for (const std::size_t size : {1U, 2U, 37U, 1000U, 100'000U}) {
      std::vector<float> magnitudes(size);
      for (float& m : magnitudes) m = static_cast<float>(draws[draw]());
      if (std::ranges::all_of(magnitudes, [](float m) { return m == 0; })) continue;
      SCOPED_TRACE(testing::Message() << "distribution " << draw << ", " << size << " values");
      expect_equal(by_table(magnitudes).curve, by_sorting(magnitudes), 1.1e-6);
    }
  }
}

TEST(MassCurve, ReadsAgainOnlyWhenABucketLeavesDoubt) {
  std::vector<float> close(1000);
  for (std::size_t i = 0; i < close.size(); ++i) close[i] = 1 + static_cast<float>(i % 7) * 0x1p-20F;
  EXPECT_EQ(by_table(close).second_reads, 1);
  expect_equal(by_table(close).curve, by_sorting(close), 1e-9);

  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<float> many(1'000'000);
  for (float& m : many) m = std::abs(normal(random));
  EXPECT_EQ(by_table(many).second_reads, 0);
}

TEST(MagnitudeTable, CountsMoreThanItsWordsHold) {
  MagnitudeTable table;
  const std::vector<float> some(1 << 20, std::bit_cast<float>(0x3f801fffU));  // all low bits set
  for (int i = 0; i < 20; ++i) add(some, table);
  const std::vector<MassBucket> buckets = table.take();
  ASSERT_EQ(buckets.size(), 1U);
  EXPECT_EQ(buckets[0].count, 20U << 20);
  EXPECT_EQ(buckets[0].low_sum, (std::uint64_t{20} << 20) * 0x1fff);
  EXPECT_TRUE(table.take().empty());
}

TEST(MagnitudeTable, OfTwoThreadsAddUpToTheTableOfOne) {
  const std::vector<float> first{0, 1, 2.5F, 1e-30F}, second{1, 3, 0, 0};
  MagnitudeTable one, two, both;
  add(first, one);
  add(second, two);
  add(first, both);
  add(second, both);
  const auto merged = merge_buckets(one.take(), two.take()), together = both.take();
  ASSERT_EQ(merged.size(), together.size());
  for (std::size_t i = 0; i < merged.size(); ++i) {
    EXPECT_EQ(merged[i].key, together[i].key);
    EXPECT_EQ(merged[i].count, together[i].count);
    EXPECT_EQ(merged[i].low_sum, together[i].low_sum);
  }
  EXPECT_EQ(merged[0].count, 3U);  // zeros
}

TEST(CoarseMass, OfManyTensorsIsCloseToTheCurveOfAllTheirValues) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> all;
  CoarseMass mass;
  for (const float scale : {1e-3F, 5e-4F, 2e-3F}) {
    std::vector<float> tensor(50'000);
    for (float& m : tensor) m = scale * std::abs(normal(random));
    MagnitudeTable table;
    add(tensor, table);
    mass.add(table.take());
    all.insert(all.end(), tensor.begin(), tensor.end());
  }
  expect_equal(mass.curve(), by_sorting(all), 1e-4);
}

}  // namespace
}  // namespace cambium::shift
