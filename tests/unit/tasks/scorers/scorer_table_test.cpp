// Each scorer's output row and metrics on small documents, worked by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tasks/builtin_functions.h"
#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::tasks {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using text::jinja::Value;

std::string scored(std::string_view scorer, std::string_view document, std::string_view response,
                   const ScorerOptions& options = {}) {
  const AnswerScore score =
      find_scorer(scorer).score(text::jinja::from_json(document, "row"), std::string(response), options);
  Value row = Value::dict();
  for (const auto& [name, value] : score.fields) row.as_dict().set(name, value);
  text::jinja::Budget budget{text::jinja::Limits{}};
  return text::jinja::to_json(row, {}, budget);
}

TEST(Scorers, Gsm8kTakesTheMarkedAndTheLastNumber) {
  constexpr std::string_view kRow = R"({"question": "?", "answer": "500 + 700\n#### 1,200"})";
  EXPECT_EQ(scored("gsm8k", kRow, "so\n#### 1200"),
            R"({"extracted": "1200", "correct": true, "strict_extracted": "1200", "strict_correct": true})");
  EXPECT_EQ(scored("gsm8k", kRow, "It is $1,200."),
            R"({"extracted": "$1,200.", "correct": true, "strict_extracted": "[invalid]", "strict_correct": false})");
  EXPECT_EQ(scored("gsm8k", kRow, "#### 1200 of 7"),
            R"({"extracted": "7", "correct": false, "strict_extracted": "1200", "strict_correct": true})");
  EXPECT_EQ(
      scored("gsm8k", kRow, "none"),
      R"({"extracted": "[invalid]", "correct": false, "strict_extracted": "[invalid]", "strict_correct": false})");
}

TEST(Scorers, ChoiceNamesTheRule) {
  EXPECT_EQ(scored("choice", R"({"choices": ["x", "y"], "answer": 1})", "(B)"),
            R"({"extracted": "B", "correct": true, "rule": "label"})");
  EXPECT_EQ(scored("choice", R"({"choices": ["x", "y"], "answer": 1})", "?"),
            R"({"extracted": null, "correct": false, "rule": null})");
}

TEST(Scorers, MatchTellsEqualFromContained) {
  EXPECT_EQ(scored("match", R"({"answers": ["Paris", "City of Paris"]})", "The Paris."),
            R"({"extracted": "paris", "correct": true, "contains": true})");
  EXPECT_EQ(scored("match", R"({"answer": "Paris"})", "I think Paris"),
            R"({"extracted": "i think paris", "correct": false, "contains": true})");
  EXPECT_EQ(scored("match", R"({"answer": {"value": "Paris", "aliases": ["Lutetia"]}})", "lutetia"),
            R"({"extracted": "lutetia", "correct": true, "contains": true})");
}

TEST(Scorers, NumberAllowsATolerance) {
  EXPECT_EQ(scored("number", R"({"answer": 3.14159})", "about 3.14"), R"({"extracted": 3.14, "correct": false})");
  ScorerOptions loose;
  loose.tolerance = 0.001;
  EXPECT_EQ(scored("number", R"({"answer": "3.14159"})", "about 3.14", loose),
            R"({"extracted": 3.14, "correct": true})");
  EXPECT_THAT([] { static_cast<void>(scored("number", R"({"answer": "pi"})", "3")); },
              ThrowsMessage<RecipeError>(HasSubstr("'pi', expected a number")));
}

TEST(Scorers, YesNoAndDigitsReadShortAnswers) {
  EXPECT_EQ(scored("yes_no", R"({"answer": true})", "Yes."), R"({"extracted": "yes", "correct": true})");
  EXPECT_EQ(scored("yes_no", R"({"answer": "no"})", "maybe"), R"({"extracted": null, "correct": false})");
  EXPECT_EQ(scored("spoken_digit", R"({"digit": 7})", "seven"), R"({"extracted": 7, "correct": true})");
  EXPECT_EQ(scored("spoken_digit", R"({"digit": 0})", "?"), R"({"extracted": null, "correct": false})");
}

TEST(Scorers, VqaGivesTheConsensus) {
  EXPECT_EQ(scored("vqa", R"({"answers": [{"answer": "red"}, {"answer": "red"}, {"answer": "pink"}]})", "Red"),
            R"({"extracted": "red", "correct": false, "accuracy": 0.4444444444444444})");
  EXPECT_EQ(scored("vqa", R"({"answer": "2"})", "two."), R"({"extracted": "2", "correct": true, "accuracy": 1.0})");
}

TEST(Scorers, SayWhichFieldTheyMiss) {
  for (const Scorer& scorer : scorers()) {
    EXPECT_THROW(static_cast<void>(scorer.score(Value::dict(), "x", {})), RecipeError) << scorer.name;
  }
  ScorerOptions options;
  options.gold_field = "truth";
  EXPECT_THAT([&] { static_cast<void>(scored("match", R"({"answer": "x"})", "x", options)); },
              ThrowsMessage<RecipeError>(HasSubstr("no field 'truth'")));
  EXPECT_THAT([] { static_cast<void>(scored("match", R"({"answers": []})", "x")); },
              ThrowsMessage<RecipeError>(HasSubstr("empty")));
  EXPECT_THAT([] { static_cast<void>(scored("match", R"({"answers": [{"a": 1}]})", "x")); },
              ThrowsMessage<RecipeError>(HasSubstr("without 'answer'")));
}

TEST(BuiltinFunctions, ScoreVqaAndSpokenDigits) {
  const Value vqa = text::jinja::from_json(R"({"answers": ["red", "red", "red", "red"]})", "row");
  const MetricValues accuracy =
      builtin_function("vqa/utils.process_results", "vqa").results(vqa, {Value::string("red")});
  EXPECT_EQ(accuracy.at(0).first, "vqa_accuracy");
  EXPECT_DOUBLE_EQ(accuracy.at(0).second.as_float(), 1);
  const Value digit = text::jinja::from_json(R"({"digit": 4})", "row");
  const BuiltinFunction& spoken = builtin_function("fsdd/utils.process_results", "spoken_digit");
  EXPECT_DOUBLE_EQ(spoken.results(digit, {Value::list({Value::string("Four.")})}).at(0).second.as_float(), 1);
  EXPECT_THAT([&] { static_cast<void>(spoken.results(digit, {Value::integer(4)})); },
              ThrowsMessage<RecipeError>(HasSubstr("expected a text")));
}

}  // namespace
}  // namespace cambium::tasks
