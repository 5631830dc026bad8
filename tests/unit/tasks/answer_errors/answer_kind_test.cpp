#include "tasks/answer_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tasks/answer_errors/language_switch.h"

namespace cambium::tasks {
namespace {

using testing::HasSubstr;

constexpr std::string_view kQuestion =
    "Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. How many clips did "
    "Natalia sell altogether in April and May?";

AnswerFinding finding(std::string_view response, std::optional<std::string_view> extracted,
                      std::string_view gold = "72", std::string_view finish_reason = "stop") {
  return answer_kind({kQuestion, gold, response, extracted, finish_reason});
}

TEST(AnswerKind, OfNothingIsARefusal) {
  EXPECT_EQ(finding("", {}).kind, AnswerKind::kRefusal);
  EXPECT_EQ(finding(" \n ...", {}).kind, AnswerKind::kRefusal);
  EXPECT_EQ(finding("I'm sorry, but I cannot help with that.", "[invalid]").kind, AnswerKind::kRefusal);
  EXPECT_THAT(finding("As an AI language model I have no access to sales.", {}).reason, HasSubstr("As an AI"));
  // A number that the filter happened to find in the refusal is no answer.
  EXPECT_EQ(finding("It is not possible to determine this from 48 friends.", "48").kind, AnswerKind::kRefusal);
  EXPECT_EQ(finding("I'm sorry for the delay. The answer is 71.", "71").kind, AnswerKind::kReasoning);
}

TEST(AnswerKind, OfATextThatWasCutOffIsTruncated) {
  EXPECT_EQ(finding("In April she sold 48 clips. In May she", "48", "72", "length").kind, AnswerKind::kTruncated);
  EXPECT_EQ(finding("In April she sold 48 clips, and", {}, "72", "length").kind, AnswerKind::kTruncated);
  EXPECT_EQ(finding("The answer is 71. Now let me explain", "71", "72", "length").kind, AnswerKind::kReasoning);
  EXPECT_EQ(finding("The total is April +", {}, "72", "").kind, AnswerKind::kTruncated);
}

TEST(AnswerKind, OfAnotherScriptOrLanguageIsASwitch) {
  EXPECT_EQ(finding("娜塔莉亚在四月份卖了48个夹子，五月份卖了24个。", "24").kind, AnswerKind::kLanguageSwitch);
  const AnswerFinding german = finding(
      "Natalia hat im April achtundvierzig Klammern an ihre Freundinnen verkauft, und im Mai dann nur noch halb so "
      "viele, also sind es zusammen einundsiebzig Klammern gewesen.",
      "71");
  EXPECT_EQ(german.kind, AnswerKind::kLanguageSwitch);
  EXPECT_THAT(german.reason, HasSubstr("'de'"));
  EXPECT_FALSE(language_switch("Translate into Russian: good morning", "доброе утро", "добрый день друзья"));
  EXPECT_TRUE(language_switch("Сколько будет сорок восемь плюс двадцать четыре?", "72",
                              "The sum of these two numbers is seventy one"));
  EXPECT_FALSE(language_switch(kQuestion, "72", "48 + 24 = 72"));
}

TEST(AnswerKind, OfARightAnswerInAnotherFormIsExtraction) {
  EXPECT_EQ(finding("She sold seventy-two.", {}).kind, AnswerKind::kFormat);
  EXPECT_THAT(finding("So it was 72 clips in all", {}).reason, HasSubstr("\"72\" is in the response"));
  EXPECT_EQ(finding("It is $72.00", "$72.00").kind, AnswerKind::kFormat);
  EXPECT_EQ(finding("The answer is 72. (48 in April)", "48").kind, AnswerKind::kFormat);
  EXPECT_EQ(finding("The answer is (B) because A is wrong.", "A", "B").kind, AnswerKind::kFormat);
  EXPECT_EQ(finding("(B)", "(B)", "B").kind, AnswerKind::kFormat);
  EXPECT_EQ(finding("The Red.", "The Red.", "red").kind, AnswerKind::kFormat);
  // GSM8K's gold answers carry their reasoning.
  EXPECT_EQ(finding("72 clips", {}, "48/2 = 24 and 48+24 = 72\n#### 72").kind, AnswerKind::kFormat);
}

TEST(AnswerKind, OfAWrongCalculationIsASlip) {
  const AnswerFinding slip = finding("In May she sold 48 / 2 = 25 clips. 48 + 25 = 73.\n#### 73", "73");
  EXPECT_EQ(slip.kind, AnswerKind::kArithmetic);
  EXPECT_EQ(slip.reason, "says 48 / 2 = 25, which is 24");
  EXPECT_EQ(finding("#### -72", "-72").kind, AnswerKind::kArithmetic);
  EXPECT_EQ(finding("#### 7.2", "7.2").kind, AnswerKind::kArithmetic);
}

TEST(AnswerKind, OfEverythingElseIsReasoning) {
  const AnswerFinding wrong = finding("She sold 48 * 2 = 96 clips.\n#### 96", "96");
  EXPECT_EQ(wrong.kind, AnswerKind::kReasoning);
  EXPECT_EQ(wrong.reason, "answers \"96\", not \"72\"");
  EXPECT_EQ(finding("The answer is (C).", "C", "B").kind, AnswerKind::kReasoning);
  EXPECT_EQ(answer_kind({kQuestion, "B", {}, "A", {}}).kind, AnswerKind::kReasoning);
}

TEST(AnswerKind, NamesAllSixInOrder) {
  ASSERT_EQ(answer_kinds().size(), 6U);
  for (std::size_t i = 0; i < answer_kinds().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(answer_kinds()[i].kind), i);
    EXPECT_EQ(name_of(answer_kinds()[i].kind), answer_kinds()[i].name);
  }
}

}  // namespace
}  // namespace cambium::tasks
