#include "tune/tune_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tune/learning_rate.h"

namespace cambium::tune {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TuneConfig parsed(const std::string& more, const std::vector<std::pair<std::string, std::string>>& set = {}) {
  return parse_tune_config(
      "model: base\noutput: out\nsources:\n  - {name: a, path: a.jsonl, share: 0.75}\n"
      "  - {name: b, path: [b.jsonl, c.jsonl], share: 0.25, repeat: unlimited}\n" +
          more,
      "tune.yml", set);
}

TEST(TuneConfig, ReadsSourcesMixtureAndTraining) {
  const TuneConfig config = parsed(
      "mixture: {count: supervised, budget: 1.5M}\n"
      "train: {learning_rate: 1e-4, parts: {vision_tower: frozen, projector: 1e-3}}\n");
  EXPECT_EQ(config.budget, 1'500'000);
  EXPECT_EQ(config.unit, MixtureUnit::kSupervised);
  EXPECT_EQ(config.sources[1].paths.size(), 2U);
  EXPECT_TRUE(std::isinf(config.sources[1].repeat));
  ASSERT_EQ(config.parts.size(), 2U);
  EXPECT_TRUE(config.parts[0].frozen);
  EXPECT_EQ(config.parts[1].learning_rate, 1e-3);
}

TEST(TuneConfig, NamesTheNearestKeyAndTheLine) {
  EXPECT_THAT([] { (void)parsed("train:\n  learning_rat: 1e-4\n"); },
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("line 7"), HasSubstr("train.learning_rat"),
                                               HasSubstr("Did you mean 'learning_rate'"))));
}

TEST(TuneConfig, RefusesSharesThatDoNotSumToOne) {
  EXPECT_THAT(
      [] {
        (void)parsed("", {{"sources.0.share", "0.5"}});
      },
      ThrowsMessage<RecipeError>(HasSubstr("sum to 0.75, expected 1")));
  EXPECT_THAT([] { (void)parsed("mixture: {stages: [{until: 1, shares: {a: 0.5, b: 0.4}}]}\n"); },
              ThrowsMessage<RecipeError>(HasSubstr("sum to 0.9, expected 1")));
}

TEST(TuneConfig, RefusesAnUnknownSourceInAStage) {
  EXPECT_THAT([] { (void)parsed("mixture: {stages: [{until: 1, shares: {aa: 1}}]}\n"); },
              ThrowsMessage<RecipeError>(HasSubstr("There are: a, b")));
}

TEST(TuneConfig, OverridesReplaceValues) {
  EXPECT_EQ(parsed("", {{"train.batch_tokens", "2k"}}).batch_tokens, 2000);
  EXPECT_THROW((void)parsed("", {{"sources.7.share", "1"}}), UsageError);
}

TEST(LearningRate, CosineFallsFromThePeakToTheFloorBehindAWarmUp) {
  const LearningRate rate{.shape = LearningRate::Shape::kCosine, .peak = 1.0, .floor_share = 0.1, .warmup_share = 0.2};
  EXPECT_NEAR(rate.at(0.0, 0.1), 0.5, 1e-12);
  EXPECT_NEAR(rate.at(0.2, 0.1), 1.0, 1e-12);
  EXPECT_NEAR(rate.at(0.6, 0.1), 0.55, 1e-12);
  EXPECT_NEAR(rate.at(1.0, 0.1), 0.1, 1e-12);
}

TEST(LearningRate, WsdStaysAndThenFallsInALine) {
  const LearningRate rate{.shape = LearningRate::Shape::kWsd, .peak = 2.0, .decay_share = 0.2};
  EXPECT_EQ(rate.at(0.79, 0.01), 2.0);
  EXPECT_NEAR(rate.at(0.9, 0.01), 1.0, 1e-12);
}

}  // namespace
}  // namespace cambium::tune
