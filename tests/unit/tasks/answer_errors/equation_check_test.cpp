#include "tasks/answer_errors/equation_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace cambium::tasks {
namespace {

std::string wrong_in(std::string_view text) {
  const std::optional<WrongEquation> wrong = wrong_equation(text);
  return wrong ? wrong->written : "";
}

TEST(WrongEquation, IsFoundWithWhatTheLeftSideReallyIs) {
  const std::optional<WrongEquation> wrong = wrong_equation("She sold 48 / 2 = 25 clips in May.");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->written, "48 / 2 = 25");
  EXPECT_DOUBLE_EQ(wrong->left, 24);
}

TEST(WrongEquation, IsReadInManySpellings) {
  for (const std::string_view text : {"3 x 4 = 13",
                                      "3 × 4 = 13",
                                      "3*4=13",
                                      "<<3*4=13>>",
                                      "$3 x 4 = $13",
                                      "\\$3 \\times 4 = 13",
                                      "\\frac{24}{2} = 13",
                                      "24 ÷ 2 = 13",
                                      "- 3 * 4 = 13",
                                      "2) 3 * 4 = 13",
                                      "**3 * 4 = 13**",
                                      "(1 + 2) * 4 = 13",
                                      "3 apples + 9 apples = 13 apples",
                                      "So 3 * 4 = 13 and then",
                                      "1,200 * 3 = 3,700",
                                      "2 + 3 = 6 * 2 = 12",
                                      "50 * 20% = 11",
                                      "2^3 = 9",
                                      "y = 3 * 4 = 13",
                                      "-3 * 4 = 12",
                                      "10 / 4 = 2.6"}) {
    EXPECT_NE(wrong_in(text), "") << text;
  }
}

TEST(WrongEquation, IsNoneWhereBothSidesAgree) {
  for (const std::string_view text : {"3 x 4 = 12",
                                      "10 / 3 = 3.33",
                                      "2/3 = 0.66",
                                      "7 / 2 = 3",
                                      "10 / 3 = 3",
                                      "2 + 3 = 5 * 2 = 10",
                                      "3/4 = 75%",
                                      "100 - 20% = 80",
                                      "50 * 20% = 10",
                                      "0.1 + 0.2 = 0.3",
                                      "3 hours * 60 minutes = 180 minutes",
                                      "-3 * 4 = -12",
                                      "- 3 * 4 = 12",
                                      "1. 3 * 4 = 12",
                                      "**3 * 4 = 12**",
                                      "2^10 = 1024",
                                      "\\frac{3}{4} \\cdot 8 = 6",
                                      "1,200 * 3 = 3,600",
                                      "5 - 2 = 3 + 4 = 7",
                                      "$1.50 x 2 = $3.00"}) {
    EXPECT_EQ(wrong_in(text), "") << text;
  }
}

// Only what can be read with certainty is judged.
TEST(WrongEquation, IsNoneInAlgebraProseAndConversions) {
  for (const std::string_view text : {"2x + 3 = 7",
                                      "y - 3 * 2 = 4",
                                      "x = 5",
                                      "20% of 50 + 3 = 13",
                                      "30 + 60 minutes = 1.5 hours",
                                      "60 + 30 = 1 hour 30 minutes",
                                      "3:30 + 1:00 = 4:30",
                                      "f(3) * 2 = 7",
                                      "2 * 6 = 3 times 4",
                                      "1.5 million + 500,000 = 2 million",
                                      "5 feet 3 inches = 63 inches",
                                      "a = b",
                                      "==",
                                      "= 3",
                                      "3 =",
                                      "17 // 5 = 3",
                                      "2(3) = 6",
                                      "5! = 120",
                                      "3 + 4 == 8",
                                      "1 pound + 16 ounces = 32 ounces"}) {
    EXPECT_EQ(wrong_in(text), "") << text;
  }
}

TEST(WrongEquation, IsNoneInEndlessBracketsAndSums) {
  EXPECT_EQ(wrong_in(std::string(100'000, '(') + "1 = 2"), "");
  std::string sum = "1";
  for (int i = 0; i < 10'000; ++i) sum += " + 1";
  EXPECT_EQ(wrong_in(sum + " = 3"), "");
  std::string chain = "1";
  for (int i = 0; i < 10'000; ++i) chain += " = 1";
  EXPECT_EQ(wrong_in(chain), "");
}

}  // namespace
}  // namespace cambium::tasks
