#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tasks/scorers/choice_question.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::tasks {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

ChoiceQuestion question_of(std::string_view json) {
  return ChoiceQuestion::of(text::jinja::from_json(json, "row"), "");
}

const ChoiceQuestion& colours() {
  static const ChoiceQuestion kColours =
      question_of(R"({"choices": ["red", "dark blue", "blue", "a green one"], "answer": 1})");
  return kColours;
}

std::string chosen(std::string_view response) {
  const std::optional<ChosenOption> option = extract_choice(response, colours());
  return option ? colours().options[option->option].label + " " + std::string(option->rule) : "none";
}

TEST(ExtractChoice, FindsLabelsInTheDocumentedOrder) {
  EXPECT_EQ(chosen("The answer is (B)."), "B stated");
  EXPECT_EQ(chosen("A is wrong, so the correct option is **C**"), "C stated");
  EXPECT_EQ(chosen("(A) no\n\\boxed{\\text{D}}"), "D stated");
  EXPECT_EQ(chosen("Answer: option b)"), "B stated");
  EXPECT_EQ(chosen("Answer: C: blue"), "C stated");
  EXPECT_EQ(chosen("The answer is dark blue, I think"), "B stated");
  EXPECT_EQ(chosen("Considering (A) and (B), I would go with B here"), "B claimed");
  EXPECT_EQ(chosen("Clearly C is the best one of all"), "C claimed");
  EXPECT_EQ(chosen("B"), "B label");
  EXPECT_EQ(chosen(" b "), "B label");
  EXPECT_EQ(chosen("B."), "B label");
  EXPECT_EQ(chosen("**B**"), "B label");
  EXPECT_EQ(chosen("(B) dark blue"), "B label");
  EXPECT_EQ(chosen("Option C"), "C label");
  EXPECT_EQ(chosen("C\n\nBecause of (A)"), "C label");
  EXPECT_EQ(chosen("Dark blue."), "B text");
  EXPECT_EQ(chosen("Let us think.\nIt is like the sea.\n(B)"), "B last line");
  EXPECT_EQ(chosen("We see that (C) fits, surely (C)"), "C only label");
  EXPECT_EQ(chosen("It seems to be dark blue to me"), "B only text");
  EXPECT_EQ(chosen("It seems to be blue to me"), "C only text");
}

TEST(ExtractChoice, TakesArticlesAndPronounsForWhatTheyAre) {
  EXPECT_EQ(chosen("A red thing"), "A only text");
  EXPECT_EQ(chosen("A man walks by"), "none");
  EXPECT_EQ(chosen("The answer is a green one"), "D stated");
  EXPECT_EQ(chosen("A because it is so"), "A label");
  EXPECT_EQ(chosen("B's are good"), "none");
  EXPECT_EQ(chosen("Be that as it may"), "none");
}

TEST(ExtractChoice, FindsNoneWhereSeveralOrNothingIsSaid) {
  EXPECT_EQ(chosen(""), "none");
  EXPECT_EQ(chosen("Either (A) or (B)"), "none");
  EXPECT_EQ(chosen("red or blue"), "none");
  EXPECT_EQ(chosen("I'm sorry, I cannot tell red from the rest"), "none");
  EXPECT_EQ(chosen("Z"), "none");
}

// Each took quadratic time once.
TEST(ExtractChoice, TakesLongRunsOfMarksInStride) {
  for (const std::string_view mark : {"(", "**", "\\boxed{", "<answer>", "answer is ", "A is ", "(A) ", " "}) {
    std::string response;
    while (response.size() < 200'000) response += mark;
    EXPECT_LE(chosen(response).size(), 20U);
  }
}

TEST(ChoiceQuestion, IsReadInTheFormsOfManyDataSets) {
  EXPECT_EQ(question_of(R"({"choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "2"})").gold, 1U);
  EXPECT_EQ(
      question_of(R"({"choices": [{"text": "x", "label": "A"}, {"text": "y", "label": "B"}], "answerKey": "B"})").gold,
      1U);
  const ChoiceQuestion aqua = question_of(R"({"options": ["A)5", "B)(6", "C)7"], "correct": "C"})");
  EXPECT_EQ(aqua.gold, 2U);
  EXPECT_EQ(aqua.options[1].text, "(6");
  EXPECT_EQ(question_of(R"({"endings": ["p", "q", "r"], "label": "2"})").gold, 2U);
  EXPECT_EQ(question_of(R"({"option1": "p", "option2": "q", "answer": "2"})").gold, 1U);
  EXPECT_EQ(question_of(R"({"sol1": "p", "sol2": "q", "label": 0})").gold, 0U);
  EXPECT_EQ(question_of(R"({"options": {"A": "p", "B": "q"}, "answer": "q"})").gold, 1U);
  EXPECT_EQ(question_of(R"({"A": "p", "B": "q", "C": "r", "answer": "C"})").gold, 2U);
  EXPECT_EQ(question_of(R"j({"input": "...", "target": "(D)"})j").gold, 3U);
  const ChoiceQuestion lines =
      question_of(R"j({"input": "Which?\nOptions:\n(A) first\n(B) last one", "target": "(B)"})j");
  EXPECT_EQ(lines.gold, 1U);
  ASSERT_EQ(lines.options.size(), 2U);
  EXPECT_EQ(lines.options[1].text, "last one");
  // Numbered options answer to letters, too.
  const ChoiceQuestion numbered =
      question_of(R"({"choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "1"})");
  EXPECT_EQ(extract_choice("(B)", numbered)->option, 1U);
  EXPECT_EQ(extract_choice("2.", numbered)->option, 1U);
}

TEST(ChoiceQuestion, RefusesRowsThatMakeNoSense) {
  const auto reading = [](std::string_view json) { return [json] { static_cast<void>(question_of(json)); }; };
  EXPECT_THAT(reading(R"({"choices": ["x", "y"], "answer": 2})"), ThrowsMessage<RecipeError>(HasSubstr("'2'")));
  EXPECT_THAT(reading(R"({"choices": ["x", "y"], "answer": "z"})"), ThrowsMessage<RecipeError>(HasSubstr("'z'")));
  EXPECT_THAT(reading(R"({"choices": ["x", "y"]})"), ThrowsMessage<RecipeError>(HasSubstr("answerKey")));
  EXPECT_THAT(reading(R"({"choices": 7, "answer": 0})"), ThrowsMessage<RecipeError>(HasSubstr("'choices' is int")));
  EXPECT_THAT(reading(R"({"choices": [], "answer": 0})"), ThrowsMessage<RecipeError>(HasSubstr("no options")));
  EXPECT_THAT(reading(R"({"choices": {"text": ["x"], "label": []}, "answer": 0})"),
              ThrowsMessage<RecipeError>(HasSubstr("other numbers")));
}

}  // namespace
}  // namespace cambium::tasks
