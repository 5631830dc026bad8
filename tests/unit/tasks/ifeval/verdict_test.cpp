#include "tasks/ifeval/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tasks/builtin_functions.h"
#include "tasks/ifeval/python_json.h"
#include "tasks/ifeval/word_splitter.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::tasks::ifeval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using text::jinja::Value;

Value row(std::string_view json) { return text::jinja::from_json(json, "row"); }

Value one(std::string_view id, std::string_view kwargs) {
  return row(std::string(R"({"key": 1, "prompt": "p", "instruction_id_list": [")") + std::string(id) +
             R"("], "kwargs": [)" + std::string(kwargs) + "]}");
}

bool strict(const Value& document, std::string_view response) { return judge(document, response).strict.at(0); }
bool loose(const Value& document, std::string_view response) { return judge(document, response).loose.at(0); }

// By hand: "Sure!" is the first line, so only the variant without it begins with a quotation mark.
TEST(Verdict, LooselyForgivesAFirstLine) {
  const Value quoted = one("startend:quotation", "{}");
  EXPECT_FALSE(strict(quoted, "Sure!\n\"It is so.\""));
  EXPECT_TRUE(loose(quoted, "Sure!\n\"It is so.\""));
}

TEST(Verdict, LooselyForgivesALastLineAndStars) {
  const Value quoted = one("startend:quotation", "{}");
  EXPECT_TRUE(loose(quoted, "\"It is so.\"\nGood luck"));
  EXPECT_TRUE(loose(quoted, "Sure\n**\"It is so.\"**\nGood luck"));
  EXPECT_FALSE(loose(quoted, "Well, \"it is so.\""));
}

TEST(Verdict, OfABlankResponseIsNeverFollowed) {
  const Value no_comma = one("punctuation:no_comma", "{}");
  for (const std::string_view blank : {"", " ", "\n\n", "\u00a0"}) {
    EXPECT_FALSE(strict(no_comma, blank));
    EXPECT_FALSE(loose(no_comma, blank));
  }
  EXPECT_TRUE(strict(no_comma, "x"));
  EXPECT_TRUE(loose(no_comma, "a, b\nx"));  // without its first line
}

TEST(Verdict, JudgesEachInstructionByItself) {
  const Value both = row(R"({"instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
                             "kwargs": [{}, {"num_words": 3, "relation": "at least", "keywords": null}]})");
  const Verdict verdict = judge(both, "one two, three");
  EXPECT_THAT(verdict.strict, ElementsAre(false, true));
  EXPECT_FALSE(verdict.strict_all());
  EXPECT_TRUE(judge(both, "one two three").strict_all());
}

TEST(Verdict, OfLanguagesAndCapitalsRestsOnTheDetector) {
  const Value german = one("language:response_language", R"({"language": "de"})");
  EXPECT_TRUE(strict(german, "Das ist ein deutscher Satz über das Wetter in den Bergen."));
  EXPECT_FALSE(strict(german, "This is an English sentence about the weather in the mountains."));
  const Value capitals = one("change_case:english_capital", "{}");
  EXPECT_TRUE(strict(capitals, "THE WEATHER IN THE MOUNTAINS IS THE TOPIC OF THIS LETTER WHICH I AM WRITING TO YOU."));
  EXPECT_FALSE(strict(capitals, "THE WEATHER in THE MOUNTAINS IS THE TOPIC OF THIS LETTER."));
  const Value lower = one("change_case:english_lowercase", "{}");
  EXPECT_TRUE(strict(lower, "the weather in the mountains is the topic of this letter."));
  EXPECT_FALSE(strict(lower, "das wetter in den bergen ist das thema dieses langen briefes."));
}

// Nothing a language could be told by counts as followed; the case rules come first.
TEST(Verdict, OfATextWithoutLettersFollowsAnyLanguage) {
  EXPECT_TRUE(strict(one("language:response_language", R"({"language": "hi"})"), "12 + 34 = 46"));
  EXPECT_FALSE(strict(one("change_case:english_capital", "{}"), "12 + 34 = 46"));
}

TEST(Verdict, DrawsALetterBySeedWhereTheDataAsksForNone) {
  const Value odd =
      one("keywords:letter_frequency", R"({"letter": "#", "let_frequency": 1, "let_relation": "at least"})");
  int differing = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const bool followed = judge(odd, "abcdefghijklm", {.seed = seed}).strict[0];
    EXPECT_EQ(followed, judge(odd, "abcdefghijklm", {.seed = seed}).strict[0]);
    differing += followed ? 1 : 0;
  }
  EXPECT_GT(differing, 2);
  EXPECT_LT(differing, 18);
}

TEST(Verdict, NamesInstructionAndArgumentOfAMalformedRow) {
  const auto judged = [](const Value& document) { return [document] { static_cast<void>(judge(document, "x")); }; };
  EXPECT_THAT(judged(row(R"({"kwargs": []})")),
              ThrowsMessage<RecipeError>(HasSubstr("'instruction_id_list' is missing")));
  EXPECT_THAT(judged(row(R"({"instruction_id_list": "x", "kwargs": []})")),
              ThrowsMessage<RecipeError>(HasSubstr("'instruction_id_list' is str")));
  EXPECT_THAT(judged(row(R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []})")),
              ThrowsMessage<RecipeError>(HasSubstr("0 entries, expected one for each of the 1 instructions")));
  EXPECT_THAT(judged(one("punctuation:no_coma", "{}")), ThrowsMessage<RecipeError>(HasSubstr("punctuation:no_comma")));
  EXPECT_THAT(judged(one("length_constraints:number_words", R"({"relation": "at least"})")),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("number_words"), HasSubstr("'num_words'"))));
  EXPECT_THAT(judged(one("length_constraints:number_words", R"({"relation": "at most", "num_words": 3})")),
              ThrowsMessage<RecipeError>(HasSubstr("'at most', expected 'at least' or 'less than'")));
  EXPECT_THAT(judged(one("length_constraints:number_words", R"({"relation": "at least", "num_words": -3})")),
              ThrowsMessage<RecipeError>(HasSubstr("'num_words' is -3")));
  EXPECT_THAT(judged(one("keywords:existence", R"({"keywords": "cat"})")),
              ThrowsMessage<RecipeError>(HasSubstr("'keywords' is str, expected a list of texts")));
  EXPECT_THAT(judged(one("keywords:existence", R"({"keywords": ["(cat"]})")),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("keywords:existence"), HasSubstr("(cat"))));
  EXPECT_THAT(judged(one("keywords:existence", "7")),
              ThrowsMessage<RecipeError>(HasSubstr("is int, expected an object")));
  EXPECT_THAT(judged(one("length_constraints:nth_paragraph_first_word",
                         R"({"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"})")),
              ThrowsMessage<RecipeError>(HasSubstr("'nth_paragraph' is 3")));
}

// These take quadratic time where the rules are run as the reference's regular expressions.
TEST(Verdict, TakesLongRunsOfMarksInStride) {
  const std::size_t many = 200'000;
  EXPECT_TRUE(
      strict(one("detectable_format:number_bullet_lists", R"({"num_bullets": 1})"), std::string(many, '\n') + "* a"));
  EXPECT_FALSE(strict(one("detectable_format:title", "{}"), std::string(many, '<')));
  EXPECT_FALSE(
      strict(one("detectable_content:number_placeholders", R"({"num_placeholders": 1})"), std::string(many, '[')));
  EXPECT_FALSE(strict(one("detectable_format:json_format", "{}"), std::string(many, '[')));
}

TEST(PythonJson, AcceptsMoreThanTheStandard) {
  EXPECT_TRUE(is_python_json("[NaN, -Infinity, \"\\ud800\"]"));
  EXPECT_FALSE(is_python_json("[nan]"));
  EXPECT_FALSE(is_python_json("{\"a\":1}}"));
}

// "ǅ" is a title-case letter: neither.
TEST(LetterCase, IsThatOfThePythonMethods) {
  EXPECT_TRUE(is_upper_text("ABC 123!"));
  EXPECT_FALSE(is_upper_text("123!"));
  EXPECT_FALSE(is_upper_text("ABc"));
  EXPECT_FALSE(is_upper_text("Aǅ"));
  EXPECT_TRUE(is_lower_text("straße 1"));
  EXPECT_FALSE(is_lower_text("ǆ ǅ"));
}

TEST(BuiltinFunctions, ScoreIfevalAsItsTaskFileExpects) {
  const BuiltinFunction& results = builtin_function("ifeval/utils.process_results", "ifeval");
  const Value document =
      row(R"({"instruction_id_list": ["punctuation:no_comma", "startend:quotation"], "kwargs": [{}, {}]})");
  const MetricValues values = results.results(document, {Value::string("\"a, b\"")});
  ASSERT_EQ(values.size(), 4U);
  EXPECT_EQ(values[0].first, "prompt_level_strict_acc");
  EXPECT_FALSE(values[0].second.as_bool());
  EXPECT_EQ(values[1].first, "inst_level_strict_acc");
  const BuiltinFunction& mean = builtin_function("ifeval/utils.agg_inst_level_acc", "ifeval");
  EXPECT_DOUBLE_EQ(mean.aggregation({values[1].second, Value::list({Value::boolean(true)})}), 2.0 / 3.0);
}

}  // namespace
}  // namespace cambium::tasks::ifeval
