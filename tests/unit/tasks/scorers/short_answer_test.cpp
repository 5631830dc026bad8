#include "tasks/scorers/short_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tasks/scorers/answer_statement.h"
#include "tasks/scorers/number_text.h"

namespace cambium::tasks {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::Optional;

std::vector<double> numbers_in(std::string_view text) {
  std::vector<double> values;
  for (const FoundNumber& number : find_numbers(text)) values.push_back(number.value);
  return values;
}

TEST(StatedAnswer, IsTheLastOfManyForms) {
  EXPECT_EQ(stated_answer("The answer is 5."), "5.");
  EXPECT_EQ(stated_answer("**Answer:** 42"), "42");
  EXPECT_EQ(stated_answer("Final Answer: The final answer is $\\boxed{\\frac{1}{2}}$ indeed"), "\\frac{1}{2}");
  EXPECT_EQ(stated_answer("48+24\n#### 72"), "72");
  EXPECT_EQ(stated_answer("<answer> B </answer> done"), "B");
  EXPECT_EQ(stated_answer("The answer is 3. No: the answer is 4"), "4");
  EXPECT_EQ(stated_answer("The correct option is (C) red\nbye"), "(C) red");
  EXPECT_EQ(stated_answer("Answer:\n\nyes"), "yes");
  EXPECT_EQ(stated_answer("The answer (in dollars) is 7"), "7");
  EXPECT_FALSE(stated_answer("I would answer that later"));
  EXPECT_FALSE(stated_answer("The answer is "));
  EXPECT_FALSE(stated_answer(""));
}

TEST(RefusalPhrase, IsLookedForNearTheStart) {
  EXPECT_EQ(refusal_phrase("Unfortunately I cannot see it"), "I cannot");
  EXPECT_TRUE(refusal_phrase("No image was provided."));
  EXPECT_FALSE(refusal_phrase("The cat cannot see it"));
  EXPECT_FALSE(refusal_phrase(std::string(400, 'x') + " I cannot"));
}

TEST(Numbers, AreReadAsPeopleWriteThem) {
  EXPECT_THAT(numbers_in("3 cats, -2.5 dogs and 1,234.50 for .5"), ElementsAre(3, -2.5, 1234.5, 0.5));
  EXPECT_THAT(numbers_in("10-3=7 (5)-2"), ElementsAre(10, 3, 7, 5, 2));
  EXPECT_THAT(numbers_in("1,2,3 and 12,34"), ElementsAre(1, 2, 3, 12, 34));
  EXPECT_THAT(numbers_in("1e3 2.5e-1 4em"), ElementsAre(1000, 0.25, 4));
  EXPECT_THAT(numbers_in("-$5 and $-6"), ElementsAre(-5, -6));
  EXPECT_THAT(read_number(" $1,200.00. "), Optional(DoubleEq(1200)));
  EXPECT_THAT(read_number("75%"), Optional(DoubleEq(75)));
  EXPECT_THAT(read_number("3/4"), Optional(DoubleEq(0.75)));
  EXPECT_FALSE(read_number("3/0"));
  EXPECT_FALSE(read_number("5 apples"));
  EXPECT_FALSE(read_number("two"));
  EXPECT_FALSE(read_number(""));
  EXPECT_TRUE(equal_numbers(1000.5, 1000, 1e-3));
  EXPECT_FALSE(equal_numbers(0.5, 0.6, 1e-3));
}

TEST(ExtractNumber, TakesTheStatedOneElseTheLast) {
  EXPECT_THAT(extract_number("She has 3 and 4, so 7 in all"), Optional(DoubleEq(7)));
  EXPECT_THAT(extract_number("The answer is 7 (that is 3 and 4)"), Optional(DoubleEq(7)));
  EXPECT_THAT(extract_number("Answer: 1/2"), Optional(DoubleEq(0.5)));
  EXPECT_FALSE(extract_number("none"));
}

TEST(ExtractYesNo, TakesTheStatedTheFirstOrTheOnlyOne) {
  EXPECT_EQ(extract_yes_no("Yes, but no."), true);
  EXPECT_EQ(extract_yes_no("**No**"), false);
  EXPECT_EQ(extract_yes_no("Well, yes it does"), true);
  EXPECT_EQ(extract_yes_no("It could be yes or no"), std::nullopt);
  EXPECT_EQ(extract_yes_no("Some say no. The answer is yes"), true);
  EXPECT_EQ(extract_yes_no("False"), false);
  EXPECT_EQ(extract_yes_no("Nobody knows"), std::nullopt);
}

TEST(ExtractDigit, TakesWordsAndFigures) {
  EXPECT_EQ(extract_digit("seven"), 7);
  EXPECT_EQ(extract_digit("I heard \"Oh\"."), 0);
  EXPECT_EQ(extract_digit("The digit 3 (three)."), 3);
  EXPECT_EQ(extract_digit("The answer is nine, not one"), std::nullopt);
  EXPECT_EQ(extract_digit("13"), std::nullopt);
  EXPECT_EQ(extract_digit("Not four. Answer: five"), 5);
}

TEST(PlainWords, LeaveOutMarksArticlesAndCase) {
  EXPECT_EQ(plain_words("  The Red-hot,  CHILI's! "), "red hot chilis");
  EXPECT_EQ(plain_words("2.5 and 3."), "2.5 and 3");
  EXPECT_EQ(plain_words("Ein Äpfel 中文。"), "ein äpfel 中文");
  EXPECT_TRUE(contains_words("red hot chili", "hot"));
  EXPECT_FALSE(contains_words("red hotter chili", "hot"));
}

}  // namespace
}  // namespace cambium::tasks
