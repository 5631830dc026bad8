#include "tasks/language_task_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::tasks {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using text::jinja::Value;

Value document(const char* json) { return text::jinja::from_json(json, "document"); }

std::string text_of(const char* function, const Value& row) {
  return builtin_function(function, "t").field(row).as_string();
}

TEST(LanguageTaskFunctions, JoinCopaByItsQuestion) {
  const Value row = document(
      R"({"premise": "The cup fell.", "question": "effect", "choice1": "It broke.", "choice2": "Éva left.", "label": 1})");
  EXPECT_EQ(text_of("copa/utils.doc_to_text", row), "The cup fell therefore");
  EXPECT_EQ(text_of("copa/utils.doc_to_target", row), " éva left.");
  EXPECT_EQ(builtin_function("copa/utils.doc_to_choice", "t").field(row).items()[0].as_string(), " it broke.");
  const Value wrong = document(R"({"premise": "x.", "question": "why"})");
  EXPECT_THAT([&] { text_of("copa/utils.doc_to_text", wrong); }, ThrowsMessage<RecipeError>(HasSubstr("'why'")));
}

TEST(LanguageTaskFunctions, AskRacesLastProblemBehindTheAnsweredOnes) {
  const Value row = document(
      R"({"article": "Ron found a coin.", "problems": "[{'question': 'Ron found  _  .', 'answer': 'B', 'options': ['a', 'a coin', 'c', 'd']}, {'question': 'Who?', 'answer': 'D', 'options': ['w', 'x', 'y', 'Ron']}]"})");
  EXPECT_EQ(text_of("race/preprocess_race.doc_to_text", row), "Article: Ron found a coin.\n\nRon found a coin\nWho?");
  EXPECT_EQ(builtin_function("race/preprocess_race.doc_to_target", "t").field(row).as_int(), 3);
  EXPECT_EQ(builtin_function("race/preprocess_race.doc_to_choice", "t").field(row).items()[3].as_string(), "Ron");
}

TEST(LanguageTaskFunctions, CountWikiTextsWordsBeforeItIsJoined) {
  const Value row = document(R"({"page": "Built in 1 @,@ 802 , it stands ( still ) . \n"})");
  EXPECT_EQ(text_of("wikitext/preprocess_wikitext.wikitext_detokenizer", row), "Built in 1,802, it stands (still).\n");
  const MetricValues values =
      builtin_function("wikitext/preprocess_wikitext.process_results", "t").results(row, {Value::real(-3)});
  EXPECT_EQ(values[0].first, "word_perplexity");
  EXPECT_EQ(values[0].second.items()[1].as_int(), 13);  // the empty piece at the end counts
}

// Gold and guess: class 0 has F1 2/3, class 1 has 2/3, class 2 has none.
TEST(LanguageTaskFunctions, AverageF1OverThreeClasses) {
  const auto pair = [](int gold, int guess) { return Value::tuple({Value::integer(gold), Value::integer(guess)}); };
  const double f1 = builtin_function("cb/aggregate.cb_multi_fi", "t").aggregation({pair(0, 0), pair(0, 1), pair(1, 1)});
  EXPECT_NEAR(f1, 4.0 / 9, 1e-12);
}

TEST(LanguageTaskFunctions, SayThatUnknownOnesArePython) {
  EXPECT_THAT([] { static_cast<void>(builtin_function("drop/utils.process_docs", "drop")); },
              ThrowsMessage<RecipeError>(testing::AllOf(HasSubstr("drop/utils.process_docs"), HasSubstr("Python"))));
}

}  // namespace
}  // namespace cambium::tasks
