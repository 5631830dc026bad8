#include "study/seed_estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace cambium::study {
namespace {

// Seeds' means 1, 2, 3 of a single sample each: mean 2, standard error 1 / sqrt(3), t(2) = 4.3027.
TEST(SeedEstimate, SamplesOfTheirOwnMakeItStudentsIntervalOfTheSeedsMeans) {
  const std::vector<Observation> observations{{0, 0, 0, 1}, {1, 0, 1, 2}, {2, 0, 2, 3}};
  const Estimate estimate = estimate_over_seeds_and_samples(observations, 3, 1, false);
  EXPECT_DOUBLE_EQ(estimate.value, 2);
  EXPECT_NEAR(estimate.high - 2, 4.302652730 / std::sqrt(3.0), 1e-6);
  EXPECT_NEAR(estimate.p_value, 0.0741799, 1e-6);
}

// Three seeds, the same two samples: values 0 and 4 whatever the seed. The seeds' means do not vary at all; the mean of
// the two samples has variance ((-2)^2 + 2^2) / (2 - 1) / 2 = 4, of one degree of freedom: t(1) = 12.7062.
TEST(SeedEstimate, SamplesThatSeedsShareAreNoIndependentEvidence) {
  std::vector<Observation> observations;
  for (std::size_t seed = 0; seed < 3; ++seed) {
    observations.push_back({seed, 0, 0, 0});
    observations.push_back({seed, 0, 1, 4});
  }
  const Estimate estimate = estimate_over_seeds_and_samples(observations, 3, 1, false);
  EXPECT_DOUBLE_EQ(estimate.value, 2);
  EXPECT_NEAR(estimate.high - estimate.value, 12.7062047 * 2, 1e-5);
}

// Two tasks weigh alike whatever their sizes.
TEST(SeedEstimate, TasksWeighAlike) {
  std::vector<Observation> observations;
  for (std::int64_t i = 0; i < 100; ++i) observations.push_back({0, 0, i, 1});
  observations.push_back({0, 1, 0, 0});
  observations.push_back({0, 1, 1, 0});
  EXPECT_NEAR(estimate_over_seeds_and_samples(observations, 1, 2, false).value, 0.5, 1e-12);
}

TEST(SeedEstimate, QuestionsOnOnePictureCountOnce) {
  std::vector<Observation> apart, together;
  for (std::int64_t i = 0; i < 40; ++i) {
    const double value = i / 4 % 2 == 0 ? 100 : 0;
    apart.push_back({0, 0, i, value});
    together.push_back({0, 0, i / 4, value});
  }
  const Estimate wide = estimate_over_seeds_and_samples(together, 1, 1, false);
  const Estimate narrow = estimate_over_seeds_and_samples(apart, 1, 1, false);
  EXPECT_NEAR((wide.high - wide.low) / (narrow.high - narrow.low), 2, 0.1);
}

TEST(SeedEstimate, AScoreOfZeroUnderEverySeedIsNotCertain) {
  std::vector<Observation> observations;
  for (std::size_t seed = 0; seed < 5; ++seed) {
    for (std::int64_t i = 0; i < 6; ++i) observations.push_back({seed, 0, static_cast<std::int64_t>(seed) * 10 + i, 0});
  }
  const Estimate estimate = estimate_over_seeds_and_samples(observations, 5, 1, true);
  EXPECT_DOUBLE_EQ(estimate.low, 0);
  EXPECT_GT(estimate.high, 2);
}

struct Coverage {
  double clustered = 0, pooled = 0;
};

// Studies of five seeds and two tasks: a difference of 4 points, a training run's own luck, a sample's own liking for
// one of the two models, and noise.
Coverage coverage(double run_spread, double sample_spread, bool shared_samples) {
  constexpr double kTruth = 4;
  constexpr std::size_t kSeeds = 5, kTasks = 2;
  constexpr std::int64_t kSamples = 40;
  constexpr int kStudies = 600;
  std::mt19937_64 random(17);
  std::normal_distribution<double> normal;
  Coverage held;
  for (int study = 0; study < kStudies; ++study) {
    std::vector<Observation> observations;
    std::vector<double> liking(kTasks * kSamples);
    for (double& each : liking) each = sample_spread * normal(random);
    std::vector<double> pooled;
    for (std::size_t seed = 0; seed < kSeeds; ++seed) {
      const double luck = run_spread * normal(random);
      for (std::size_t task = 0; task < kTasks; ++task) {
        for (std::int64_t i = 0; i < kSamples; ++i) {
          const auto number = static_cast<std::int64_t>(task) * kSamples + i;
          const double own = shared_samples ? liking[static_cast<std::size_t>(number)] : sample_spread * normal(random);
          const std::int64_t cluster = shared_samples ? number : static_cast<std::int64_t>(seed) * 1000 + number;
          observations.push_back({seed, task, cluster, kTruth + luck + own + 30 * normal(random)});
          pooled.push_back(observations.back().value);
        }
      }
    }
    const auto holds = [&](const Estimate& estimate) {
      return estimate.low <= kTruth && kTruth <= estimate.high ? 1.0 / kStudies : 0;
    };
    held.clustered += holds(estimate_over_seeds_and_samples(observations, kSeeds, kTasks, false));
    const Stratum all = stratum_of(pooled);
    const double reach = 1.959964 * std::sqrt(all.variance_of_mean);
    held.pooled += holds({.value = all.mean, .low = all.mean - reach, .high = all.mean + reach, .p_value = 1});
  }
  return held;
}

TEST(SeedEstimate, HoldsTheTruthNineteenTimesInTwentyWhereRunsDiffer) {
  const Coverage held = coverage(4, 0, false);
  EXPECT_GT(held.clustered, 0.93);
  EXPECT_LT(held.clustered, 0.985);
  EXPECT_LT(held.pooled, 0.85);  // samples of one run taken for independent ones
}

TEST(SeedEstimate, HoldsTheTruthWhereRunsAreAskedTheSameQuestions) {
  const Coverage held = coverage(2, 40, true);
  EXPECT_GT(held.clustered, 0.93);
  EXPECT_LT(held.clustered, 0.985);
  EXPECT_LT(held.pooled, 0.8);
}

TEST(SeedEstimate, IsNotMuchTooWideWhereRunsDoNotDiffer) {
  const Coverage held = coverage(0, 0, false);
  EXPECT_GT(held.clustered, 0.94);
  EXPECT_LT(held.clustered, 0.995);
}

}  // namespace
}  // namespace cambium::study
