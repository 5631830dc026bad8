#include "model/engine/sampling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <vector>

#include "tensor/error.h"

namespace cambium::model {
namespace {

// Shares of many draws.
std::map<std::int32_t, double> shares(const std::vector<float>& logits, SamplingOptions options) {
  std::map<std::int32_t, double> result;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i)
    result[sample(logits, {}, options, static_cast<std::uint64_t>(i)).id] += 1.0 / kDraws;
  return result;
}

std::vector<float> logs(const std::vector<double>& probabilities) {
  std::vector<float> result;
  for (const double p : probabilities) result.push_back(static_cast<float>(std::log(p)));
  return result;
}

TEST(Sampling, TakesTheMostProbableTokenAtTemperatureZero) {
  const SampledToken token = sample(logs({0.1, 0.6, 0.3}), {}, {}, 0);
  EXPECT_EQ(token.id, 1);
  EXPECT_NEAR(token.log_probability, std::log(0.6), 1e-6);
}

TEST(Sampling, DrawsByTheProbabilities) {
  const auto found = shares(logs({0.1, 0.6, 0.3}), {.temperature = 1.0, .seed = 5});
  EXPECT_NEAR(found.at(0), 0.1, 0.01);
  EXPECT_NEAR(found.at(1), 0.6, 0.015);
  EXPECT_NEAR(found.at(2), 0.3, 0.015);
}

TEST(Sampling, FlattensWithTemperature) {
  // p^(1/2) of {0.64, 0.36}: 0.8 to 0.6
  const auto found = shares(logs({0.64, 0.36}), {.temperature = 2.0, .seed = 6});
  EXPECT_NEAR(found.at(0), 0.8 / 1.4, 0.015);
}

TEST(Sampling, KeepsTheKMostProbable) {
  const auto found = shares(logs({0.1, 0.5, 0.3, 0.1}), {.temperature = 1.0, .top_k = 2, .seed = 7});
  EXPECT_EQ(found.size(), 2U);
  EXPECT_NEAR(found.at(1), 0.5 / 0.8, 0.015);
}

TEST(Sampling, KeepsTheFewestTokensThatReachTopP) {
  // 0.5 + 0.3 reach 0.7; the third is not needed.
  EXPECT_EQ(shares(logs({0.2, 0.5, 0.3}), {.temperature = 1.0, .top_p = 0.7, .seed = 8}).size(), 2U);
  EXPECT_EQ(shares(logs({0.2, 0.5, 0.3}), {.temperature = 1.0, .top_p = 0.85, .seed = 8}).size(), 3U);
  EXPECT_EQ(shares(logs({0.2, 0.5, 0.3}), {.temperature = 1.0, .top_p = 1e-9, .seed = 8}).size(), 1U);
}

TEST(Sampling, KeepsTokensThatAreProbableRelativeToTheBest) {
  EXPECT_EQ(shares(logs({0.2, 0.5, 0.3}), {.temperature = 1.0, .min_p = 0.5, .seed = 9}).size(), 2U);
  EXPECT_EQ(shares(logs({0.2, 0.5, 0.3}), {.temperature = 1.0, .min_p = 0.3, .seed = 9}).size(), 3U);
}

TEST(Sampling, PenalisesWhatOccurredOnceHoweverOften) {
  // 2 / 1.5 < 1.5; -1 * 1.5 < -1.2
  const std::vector<std::int32_t> context{0, 0, 0};
  EXPECT_EQ(sample(std::vector<float>{2.0F, 1.5F}, context, {.repetition_penalty = 1.5}, 0).id, 1);
  EXPECT_EQ(sample(std::vector<float>{2.0F, 1.2F}, context, {.repetition_penalty = 1.5}, 0).id, 0);
  EXPECT_EQ(sample(std::vector<float>{-1.0F, -1.2F}, context, {.repetition_penalty = 1.5}, 0).id, 1);
}

TEST(Sampling, ReportsTheModelsOwnProbability) {
  const SampledToken token = sample(logs({0.25, 0.75}), {}, {.temperature = 0.7, .top_k = 1, .seed = 1}, 3);
  EXPECT_EQ(token.id, 1);
  EXPECT_NEAR(token.log_probability, std::log(0.75), 1e-6);
}

TEST(Sampling, NamesTheOptionThatIsOutOfRange) {
  EXPECT_THROW((SamplingOptions{.top_p = 0}).check(), UsageError);
  EXPECT_THROW((SamplingOptions{.top_p = 1.1}).check(), UsageError);
  EXPECT_THROW((SamplingOptions{.min_p = -0.1}).check(), UsageError);
  EXPECT_THROW((SamplingOptions{.top_k = -1}).check(), UsageError);
  EXPECT_THROW((SamplingOptions{.repetition_penalty = 0}).check(), UsageError);
}

}  // namespace
}  // namespace cambium::model
