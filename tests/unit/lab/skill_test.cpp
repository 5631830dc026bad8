#include "lab/skill.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace cambium::lab {
namespace {

using testing::ElementsAre;

const Skill& skill(std::string_view name) {
  for (const Skill& each : skill_table()) {
    if (each.name == name) return each;
  }
  throw std::out_of_range(std::string(name));
}

TEST(Random, IsTheSameForASeedAndANameAndDiffersOtherwise) {
  Random first(7, "a"), second(7, "a"), other_name(7, "b"), other_seed(8, "a");
  const std::uint64_t value = first.next();
  EXPECT_EQ(value, second.next());
  EXPECT_NE(value, other_name.next());
  EXPECT_NE(value, other_seed.next());
}

TEST(Random, NormalNumbersHaveMeanZeroAndVarianceOne) {
  Random draw(1, "normal");
  double sum = 0, squares = 0;
  constexpr int kCount = 20'000;
  for (int i = 0; i < kCount; ++i) {
    const double value = draw.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.03);
  EXPECT_NEAR(squares / kCount, 1, 0.05);
}

TEST(Skills, TrainAndTestShareNoKeyAndNoQuestion) {
  const InventedWorld world = InventedWorld::make(3);
  for (const Skill& each : skill_table()) {
    std::set<std::string> keys, questions;
    for (const Exercise& made : exercises_of(each, world, Side::kTrain, 500, 3)) {
      keys.insert(made.key);
      questions.insert(made.question);
    }
    const std::vector<Exercise> test = exercises_of(each, world, Side::kTest, 100, 3);
    EXPECT_GE(test.size(), 30U) << each.name;
    for (const Exercise& made : test) {
      EXPECT_FALSE(keys.contains(made.key)) << each.name << ": " << made.key;
      EXPECT_FALSE(questions.contains(made.question)) << each.name << ": " << made.question;
    }
  }
}

TEST(Skills, TheCorrectChoiceIsTheAnswerAndStandsAtEveryPlace) {
  const InventedWorld world = InventedWorld::make(3);
  for (const Skill& each : skill_table()) {
    if (each.scoring != Scoring::kChoice) continue;
    std::map<std::size_t, int> places;
    for (const Exercise& made : exercises_of(each, world, Side::kTrain, 200, 3)) {
      ASSERT_LT(made.correct, made.choices.size());
      EXPECT_EQ(made.choices[made.correct], made.answer);
      EXPECT_EQ(std::set<std::string>(made.choices.begin(), made.choices.end()).size(), made.choices.size());
      ++places[made.correct];
    }
    EXPECT_GE(places.size(), 3U) << each.name;
  }
}

// The text of each exercise is read again by a few lines that know nothing of the generator.
TEST(Skills, WordProblemsComeOutAsTheirSolutionsSay) {
  const InventedWorld world = InventedWorld::make(5);
  for (const Exercise& made : exercises_of(skill("arithmetic"), world, Side::kTest, 50, 5)) {
    int first = 0, second = 0, third = 0;
    char name[40], what[40], again[40], verb[40];
    if (std::sscanf(made.question.c_str(), "%39s has %d %39[^.]. %39s buys %d more and then gives away %d", name,
                    &first, what, again, &second, &third) == 6) {
      EXPECT_EQ(made.target, std::to_string(first + second - third)) << made.question;
    } else {
      ASSERT_EQ(std::sscanf(made.question.c_str(), "%39s has %d %39[^.]. %39s buys %d more and then %39s %d", name,
                            &first, what, again, &second, verb, &third),
                7)
          << made.question;
      EXPECT_EQ(made.target, std::to_string(first + second + third)) << made.question;
    }
    EXPECT_TRUE(made.answer.ends_with("#### " + made.target));
  }
}

TEST(Skills, InstructionsAreFollowedByTheirAnswers) {
  const InventedWorld world = InventedWorld::make(5);
  std::set<std::string> topics;
  for (const Exercise& made : exercises_of(skill("instructions"), world, Side::kTrain, 200, 5)) {
    topics.insert(made.topic);
    EXPECT_EQ(made.question.find("End with: done") != std::string::npos, made.answer.ends_with(" done"));
    if (made.topic == "copy" && made.question.find("commas") == std::string::npos && !made.answer.ends_with(" done")) {
      EXPECT_NE(made.question.find("Words: " + made.answer + ". "), std::string::npos);
    }
  }
  EXPECT_THAT(topics, ElementsAre("copy", "first", "last", "repeat", "reverse"));
}

TEST(InventedWorld, TellsInWordsNothingOfWhatCreaturesLookLike) {
  const InventedWorld world = InventedWorld::make(3);
  for (const Skill& each : skill_table()) {
    for (const Exercise& made : exercises_of(each, world, Side::kTrain, 300, 3)) {
      for (const Creature& creature : world.creatures) {
        EXPECT_EQ(made.question.find(" " + creature.name + "?"), std::string::npos) << made.question;
      }
    }
  }
}

}  // namespace
}  // namespace cambium::lab
