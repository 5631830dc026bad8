#include "tasks/scorers/recorded_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "support/temp_folder.h"
#include "tasks/scorers/score_summary.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

std::vector<std::string> read(std::string_view responses, std::string_view data, RecordedAnswersOptions options = {}) {
  const TempFolder folder;
  options.responses = folder.write("answers.jsonl", responses);
  if (!data.empty()) options.data = folder.write("data.jsonl", data);
  std::vector<std::string> pairs;
  for (const RecordedAnswer& answer : read_recorded_answers(options)) {
    const text::jinja::Value* question = answer.document.as_dict().find("q");
    pairs.push_back(answer.id_name + ": " + question->as_string() + " - " + answer.response);
  }
  return pairs;
}

auto reading(std::string_view responses, std::string_view data, RecordedAnswersOptions options = {}) {
  return [=] { static_cast<void>(read(responses, data, options)); };
}

constexpr std::string_view kData = R"({"key": 7, "q": "seven"}
{"key": 8, "q": "eight"}
)";

TEST(RecordedAnswers, AreMatchedByAFieldOfBothFiles) {
  EXPECT_THAT(read(R"({"key": "8", "response": "b"})"
                   "\n\n"
                   R"({"response": "a", "key": 7})",
                   kData),
              ElementsAre("key: eight - b", "key: seven - a"));
  EXPECT_THAT(read(R"({"n": 1, "text": "x"})", R"({"n": 1, "q": "one"})", {.response_field = "text", .id_field = "n"}),
              ElementsAre("n: one - x"));
}

TEST(RecordedAnswers, AreMatchedByOrderWithoutOne) {
  EXPECT_THAT(read("{\"prediction\": \"a\"}\n{\"prediction\": \"b\"}\n", kData),
              ElementsAre("index: seven - a", "index: eight - b"));
}

TEST(RecordedAnswers, MayBeAJsonList) {
  EXPECT_THAT(read(R"([{"key": 8, "response": "b"},
                       {"key": 7, "response": "a"}])",
                   kData),
              ElementsAre("key: eight - b", "key: seven - a"));
  EXPECT_THAT(reading(R"([{"key": 8, "response": "b"}, 5])", kData),
              ThrowsMessage<RecipeError>(HasSubstr("answers.jsonl:2: expected a JSON object in each entry")));
}

TEST(RecordedAnswers, AreReadFromSamplesOfLmEvaluationHarness) {
  EXPECT_THAT(read(R"({"doc_id": 3, "doc": {"q": "three"}, "resps": [["x", "y"]], "filtered_resps": ["x"]})", ""),
              ElementsAre("doc_id: three - x"));
}

TEST(RecordedAnswers, OfSeveralFiltersCountOnce) {
  EXPECT_THAT(read(R"({"doc_id": 0, "doc": {"q": "a"}, "resps": [["x"]], "filter": "strict"}
{"doc_id": 1, "doc": {"q": "b"}, "resps": [["y"]], "filter": "strict"}
{"doc_id": 0, "doc": {"q": "a"}, "resps": [["x"]], "filter": "loose"}
{"doc_id": 1, "doc": {"q": "b"}, "resps": [["y"]], "filter": "loose"})",
                   ""),
              ElementsAre("doc_id: a - x", "doc_id: b - y"));
}

TEST(RecordedAnswers, NameFileLineAndFieldOfABadRow) {
  EXPECT_THAT(reading("{\"key\": 7, \"response\": \"a\"}\n{\"key\": 8,", kData),
              ThrowsMessage<RecipeError>(HasSubstr("answers.jsonl:2: not valid JSON")));
  EXPECT_THAT(reading("[1]", kData), ThrowsMessage<RecipeError>(HasSubstr("answers.jsonl:1: expected a JSON object")));
  EXPECT_THAT(reading(R"({"key": 7, "text": "a"})", kData),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("answers.jsonl:1"), HasSubstr("--response-field"))));
  EXPECT_THAT(reading(R"({"key": 7, "response": 5})", kData),
              ThrowsMessage<RecipeError>(HasSubstr("'response' is int, expected the answer's text")));
  EXPECT_THAT(reading(R"({"key": 9, "response": "a"})", kData), ThrowsMessage<RecipeError>(HasSubstr("'9'")));
  EXPECT_THAT(reading(R"({"key": 1.5, "response": "a"})", kData),
              ThrowsMessage<RecipeError>(HasSubstr("'key' is float, expected a text or a whole number")));
  EXPECT_THAT(reading("", kData), ThrowsMessage<RecipeError>(HasSubstr("has no rows")));
  EXPECT_THAT(reading(R"({"response": "a"})", ""), ThrowsMessage<RecipeError>(HasSubstr("--data")));
  EXPECT_THAT(reading(R"({"key": 7, "response": "a"})", kData, {.id_field = "n"}),
              ThrowsMessage<RecipeError>(HasSubstr("has no field 'n'")));
}

TEST(RecordedAnswers, RefuseDoubledAndMissingOnes) {
  EXPECT_THAT(reading("{\"key\": 7, \"response\": \"a\"}\n{\"key\": 7, \"response\": \"b\"}\n", kData),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("answers.jsonl:2"), HasSubstr("already in line 1"))));
  EXPECT_THAT(reading(R"({"key": 7, "response": "a"})", kData),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("data.jsonl:2"), HasSubstr("--partial"))));
  EXPECT_THAT(reading(R"({"response": "a"})", kData), ThrowsMessage<RecipeError>(HasSubstr("--partial")));
  EXPECT_THAT(read(R"({"key": 7, "response": "a"})", kData, {.partial = true}), ElementsAre("key: seven - a"));
  EXPECT_THAT(reading("{\"response\": \"a\"}\n{\"response\": \"a\"}\n{\"response\": \"a\"}", kData),
              ThrowsMessage<RecipeError>(HasSubstr("3 answers for the 2 rows")));
}

AnswerScore scored(std::vector<double> values) { return {{}, {{"acc", std::move(values)}}}; }

// 3 of 4 right: mean 0.75, sd sqrt(0.25), stderr 0.25; Wilson's interval from its formula.
TEST(ScoreSummary, GivesWilsonsIntervalForShares) {
  const std::vector<AnswerScore> scores{scored({1}), scored({1}), scored({0}), scored({1})};
  const std::vector<MetricSummary> summary = summarise(scores);
  ASSERT_EQ(summary.size(), 1U);
  EXPECT_EQ(summary[0].values, 4U);
  EXPECT_DOUBLE_EQ(summary[0].mean, 0.75);
  EXPECT_NEAR(summary[0].stderr_mean, 0.25, 1e-12);
  EXPECT_NEAR(summary[0].interval.low, 0.3006, 1e-3);
  EXPECT_NEAR(summary[0].interval.high, 0.9544, 1e-3);
}

// Two samples of two values each, all alike within a sample: as uncertain as two values, not four.
TEST(ScoreSummary, TakesTheValuesOfOneSampleForACluster) {
  const std::vector<AnswerScore> scores{scored({1, 1}), scored({0, 0})};
  EXPECT_NEAR(summarise(scores)[0].stderr_mean, 0.5, 1e-12);
  EXPECT_TRUE(summarise({}).empty());
}

// Kinds of instructions: a metric that only some samples have is averaged over those.
TEST(ScoreSummary, AveragesAMetricOverTheSamplesThatHaveIt) {
  std::vector<AnswerScore> scores{scored({1}), scored({0})};
  scores[1].metrics.emplace_back("kind", std::vector<double>{1, 0, 0});
  const std::vector<MetricSummary> summary = summarise(scores);
  ASSERT_EQ(summary.size(), 2U);
  EXPECT_EQ(summary[1].name, "kind");
  EXPECT_EQ(summary[1].values, 3U);
  EXPECT_DOUBLE_EQ(summary[1].mean, 1.0 / 3);
}

TEST(Scorers, AreFoundByNameOrTheKnownOnesAreListed) {
  for (const Scorer& scorer : scorers()) EXPECT_EQ(find_scorer(scorer.name).name, scorer.name);
  EXPECT_THAT([] { static_cast<void>(find_scorer("ifevall")); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("Did you mean 'ifeval'"), HasSubstr("gsm8k"))));
}

}  // namespace
}  // namespace cambium::tasks
