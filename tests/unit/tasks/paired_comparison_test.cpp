#include "tasks/statistics/paired_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "tasks/statistics/aggregate_comparison.h"
#include "tasks/statistics/normal_distribution.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;

// Reference numbers: tests/golden/statistics/make_statistics.py (scipy, statsmodels).
const std::vector<double> kFirst{0.2, 0.5, 0.1, 0.9, 0.4, 0.6, 0.3, 0.8, 0.75, 0.05};
const std::vector<double> kSecond{0.35, 0.4, 0.3, 0.95, 0.7, 0.65, 0.2, 0.9, 0.8, 0.25};

TEST(McNemar, EqualsScipysBinomialTest) {
  EXPECT_NEAR(mcnemar_exact(3, 12), 0.03515625, 1e-12);
  EXPECT_NEAR(mcnemar_exact(0, 5), 0.0625, 1e-12);
  EXPECT_NEAR(mcnemar_exact(61, 40), 0.046044066929342785, 1e-12);
  EXPECT_NEAR(mcnemar_exact(500, 600), 0.0028195449914364284, 1e-12);
  EXPECT_EQ(mcnemar_exact(0, 0), 1);
  EXPECT_EQ(mcnemar_exact(7, 7), 1);
}

TEST(Holm, EqualsStatsmodels) {
  EXPECT_THAT(holm_correction(std::vector<double>{0.01, 0.04, 0.03, 0.005, 0.9}),
              ElementsAre(DoubleNear(0.04, 1e-15), DoubleNear(0.09, 1e-15), DoubleNear(0.09, 1e-15),
                          DoubleNear(0.025, 1e-15), DoubleNear(0.9, 1e-15)));
}

TEST(Wilson, EqualsStatsmodels) {
  EXPECT_NEAR(wilson_interval(37, 50).low, 0.6044684273515116, 1e-12);
  EXPECT_NEAR(wilson_interval(37, 50).high, 0.841284725064476, 1e-12);
  EXPECT_NEAR(wilson_interval(0, 12, 0.99).high, 0.35604686964872206, 1e-12);
}

TEST(NormalQuantile, EqualsScipyInBothTails) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
  EXPECT_NEAR(normal_quantile(0.2), -0.8416212335729142, 1e-14);
  EXPECT_NEAR(normal_quantile(1e-6), -4.753424308822899, 1e-12);
  EXPECT_NEAR(normal_quantile(0.999999), 4.753424308817087, 1e-9);
}

// Reference: scipy.stats.t.ppf.
TEST(StudentQuantile, IsCloseToScipys) {
  EXPECT_NEAR(student_quantile(0.975, 9), 2.2621571627409915, 1e-3);
  EXPECT_NEAR(student_quantile(0.975, 99), 1.9842169515086827, 1e-6);
}

TEST(ComparePaired, EqualsScipysExactSignFlipsAndStandardError) {
  const PairedComparison made = compare_paired({kFirst, kSecond, {}});
  EXPECT_NEAR(made.difference, 0.09, 1e-15);
  EXPECT_NEAR(made.stderr_difference, 0.04068851871911233, 1e-14);
  EXPECT_NEAR(made.effect_size, 0.6994724762036338, 1e-12);
  EXPECT_TRUE(made.permutation_exact);
  EXPECT_EQ(made.p_permutation, 0.07421875);
  EXPECT_EQ(made.p_value(), made.p_permutation);
}

// 10,000 resamples place the ends of a 95 % interval within about 0.003 here.
TEST(ComparePaired, HasScipysBcaInterval) {
  ComparisonOptions plain;
  plain.expand = false;
  const PairedComparison made = compare_paired({kFirst, kSecond, {}}, plain);
  EXPECT_NEAR(made.interval.low, 0.015, 0.006);
  EXPECT_NEAR(made.interval.high, 0.165, 0.006);
}

TEST(ComparePaired, GivesTheSameNumbersForTheSameSeed) {
  ComparisonOptions other;
  other.seed = 99;
  EXPECT_EQ(compare_paired({kFirst, kSecond, {}}).interval.low, compare_paired({kFirst, kSecond, {}}).interval.low);
  EXPECT_NE(compare_paired({kFirst, kSecond, {}}).interval.low,
            compare_paired({kFirst, kSecond, {}}, other).interval.low);
}

TEST(ComparePaired, CountsDiscordantSamplesOfBinaryScores) {
  const std::vector<double> first{1, 1, 1, 0, 0, 1, 0, 0};
  const std::vector<double> second{1, 0, 1, 1, 1, 1, 1, 0};
  const PairedComparison made = compare_paired({first, second, {}});
  EXPECT_TRUE(made.binary);
  EXPECT_EQ(made.only_first, 1U);
  EXPECT_EQ(made.only_second, 3U);
  EXPECT_NEAR(made.odds_ratio, 3.5 / 1.5, 1e-15);
  EXPECT_EQ(made.p_value(), made.p_mcnemar);
}

TEST(ComparePaired, SaysNothingDiffersWhenNothingDoes) {
  const PairedComparison made = compare_paired({kFirst, kFirst, {}});
  EXPECT_EQ(made.p_permutation, 1);
  EXPECT_EQ(made.interval.low, 0);
  EXPECT_EQ(made.interval.high, 0);
  EXPECT_EQ(made.samples_needed, 0);
}

TEST(ComparePaired, RefusesScoresThatDoNotPair) {
  EXPECT_THROW((void)compare_paired({kFirst, std::span(kSecond).first(9), {}}), ShapeError);
  const std::vector<double> broken{1, NAN};
  EXPECT_THROW((void)compare_paired({broken, broken, {}}), ValueError);
}

// Reference: scipy's permutation_test over all sign patterns, and its paired percentile bootstrap.
TEST(CompareAggregates, EqualsScipyOnPerplexities) {
  const std::vector<double> first{-1.2, -0.4, -2.5, -0.9, -1.7, -0.3, -1.1, -0.8};
  const std::vector<double> second{-0.9, -0.5, -1.9, -0.7, -1.8, -0.2, -0.6, -0.7};
  const auto perplexity = [&](std::span<const AnsweredSample> samples) {
    double sum = 0;
    for (const AnsweredSample& one : samples) sum += (one.second ? second : first)[one.sample];
    return std::exp(-sum / static_cast<double>(samples.size()));
  };
  const AggregateComparison made = compare_aggregates(8, {}, perplexity, {});
  EXPECT_NEAR(made.first, 3.041953780698664, 1e-12);
  EXPECT_NEAR(made.second, 2.4905411096998304, 1e-12);
  EXPECT_NEAR(made.p_value, 0.09375, 0.01);
  EXPECT_NEAR(made.interval.low, -1.40147, 0.04);
  EXPECT_NEAR(made.interval.high, -0.09579, 0.02);
}

// What is called detectable is found four times in five.
TEST(ComparePaired, FindsTheDetectableDifferenceWithTheStatedPower) {
  std::mt19937_64 generator(11);
  std::normal_distribution<double> normal;
  constexpr std::size_t kSamples = 120;
  ComparisonOptions options;
  options.resamples = 400;
  std::vector<double> zero(kSamples), noise(kSamples);
  for (double& value : noise) value = normal(generator);
  const double detectable = compare_paired({zero, noise, {}}, options).detectable_difference;
  constexpr int kDraws = 500;
  int found = 0;
  for (int draw = 0; draw < kDraws; ++draw) {
    for (double& value : noise) value = detectable + normal(generator);
    options.seed = static_cast<std::uint64_t>(draw);
    found += compare_paired({zero, noise, {}}, options).p_value() < 0.05 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(found) / kDraws, 0.8, 0.08);
}

// The share of simulated data sets whose interval holds the true difference; 600 draws have a standard error of 0.9
// points.
double coverage(std::size_t clusters, std::size_t per_cluster, bool binary) {
  std::mt19937_64 generator(5);
  std::normal_distribution<double> normal;
  constexpr int kDraws = 1000;
  int held = 0;
  ComparisonOptions options;
  options.resamples = 1000;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<double> first;
    std::vector<double> second;
    std::vector<std::int64_t> cluster;
    for (std::size_t c = 0; c < clusters; ++c) {
      const double shared = normal(generator);
      for (std::size_t i = 0; i < per_cluster; ++i) {
        const double noise = normal(generator);
        if (binary) {
          // Of ten samples one is lost and two are won, so the true difference is 0.1.
          const double place = normal_cdf((shared + noise) / std::sqrt(2.0));
          first.push_back(place < 0.1 || place > 0.6 ? 1 : 0);
          second.push_back(place >= 0.1 && place < 0.3 ? 1 : (place > 0.6 ? 1 : 0));
        } else {
          first.push_back(0);
          second.push_back(0.1 + shared + noise);
        }
        cluster.push_back(static_cast<std::int64_t>(c));
      }
    }
    options.seed = static_cast<std::uint64_t>(draw);
    const PairedComparison made = compare_paired({first, second, cluster}, options);
    held += made.interval.low <= 0.1 && made.interval.high >= 0.1 ? 1 : 0;
  }
  return static_cast<double>(held) / kDraws;
}

TEST(ComparePaired, IntervalHoldsTheTruthNinetyFiveTimesInAHundred) {
  EXPECT_NEAR(coverage(150, 1, false), 0.95, 0.02);
  EXPECT_NEAR(coverage(150, 1, true), 0.95, 0.02);
}

TEST(ComparePaired, ClustersDoNotMakeTheIntervalTooNarrow) {
  EXPECT_NEAR(coverage(100, 5, false), 0.95, 0.02);
  EXPECT_NEAR(coverage(100, 5, true), 0.95, 0.02);
}

}  // namespace
}  // namespace cambium::tasks
