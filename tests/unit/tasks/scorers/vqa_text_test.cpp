#include "tasks/scorers/vqa_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cambium::tasks {
namespace {

// By hand from the rules of VQA's evaluation code.
TEST(VqaNormalised, DropsMarksArticlesAndNumberWords) {
  EXPECT_EQ(vqa_normalised("The Red Car."), "red car");
  EXPECT_EQ(vqa_normalised("Two"), "2");
  EXPECT_EQ(vqa_normalised("none"), "0");
  EXPECT_EQ(vqa_normalised("an\napple\t pie "), "apple pie");
  EXPECT_EQ(vqa_normalised("3.5 m."), "3.5 m");
}

TEST(VqaNormalised, TurnsAMarkBetweenLettersIntoABlank) {
  EXPECT_EQ(vqa_normalised("t-shirt"), "t shirt");
  EXPECT_EQ(vqa_normalised("black/white"), "black white");
  EXPECT_EQ(vqa_normalised("black - white-ish"), "black whiteish");  // one of them touches a blank: all of them go
  EXPECT_EQ(vqa_normalised("1,000"), "1000");
  EXPECT_EQ(vqa_normalised("1,000 a-b"), "1000 ab");  // a number with a comma makes all marks go
  EXPECT_EQ(vqa_normalised("yes!"), "yes");
}

TEST(VqaNormalised, GivesContractionsTheirApostrophe) {
  EXPECT_EQ(vqa_normalised("I dont know"), "i don't know");
  EXPECT_EQ(vqa_normalised("couldn'tve"), "couldn't've");
  EXPECT_EQ(vqa_normalised("youre"), "you're");
  EXPECT_EQ(vqa_normalised("shed"), "shed");
}

// Ten annotators of whom k agree: the average over leaving each out of min(others that agree / 3, 1).
TEST(VqaAccuracy, IsTheConsensusOverLeavingOutEach) {
  const auto accuracy = [](int agreeing) {
    std::vector<std::string> annotators(10, "blue");
    for (int i = 0; i < agreeing; ++i) annotators[static_cast<std::size_t>(i)] = "red";
    return vqa_accuracy("Red.", annotators);
  };
  EXPECT_DOUBLE_EQ(accuracy(0), 0);
  EXPECT_DOUBLE_EQ(accuracy(1), (9 * (1.0 / 3)) / 10);
  EXPECT_DOUBLE_EQ(accuracy(2), (8 * (2.0 / 3) + 2 * (1.0 / 3)) / 10);
  EXPECT_DOUBLE_EQ(accuracy(3), (7 * 1.0 + 3 * (2.0 / 3)) / 10);
  EXPECT_DOUBLE_EQ(accuracy(4), 1);
  EXPECT_DOUBLE_EQ(accuracy(10), 1);
}

TEST(VqaAccuracy, WithOneAnnotatorIsAgreement) {
  EXPECT_DOUBLE_EQ(vqa_accuracy("a cat", std::vector<std::string>{"Cat."}), 1);
  EXPECT_DOUBLE_EQ(vqa_accuracy("dog", std::vector<std::string>{"cat"}), 0);
}

}  // namespace
}  // namespace cambium::tasks
