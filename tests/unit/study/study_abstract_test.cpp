#include "study/study_abstract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cambium::study {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

report::ContrastResult contrast(const std::string& base, double estimate, double low, double high, int expected,
                                const std::string& verdict) {
  report::ContrastResult result;
  result.plot = {.name = "Pictures cost language",
                 .estimate = estimate,
                 .low = low,
                 .high = high,
                 .expected = expected,
                 .note = {}};
  result.base = base;
  result.first = "base";
  result.second = "tuned";
  result.group = "language";
  result.verdict = verdict;
  return result;
}

StudyFile study_of(const std::vector<std::string>& bases) {
  StudyFile study;
  for (const std::string& base : bases) study.bases.push_back({base, {}});
  study.groups.push_back({.name = "language", .title = "Language", .tasks = {"a"}, .flags = {}});
  return study;
}

TEST(StudyAbstract, OneSentenceTellsAContrastOfAllBases) {
  report::StudyResults results;
  results.contrasts = {contrast("llama", -12.3, -15, -9.6, -1, "as expected"),
                       contrast("qwen2", -4, -8.5, 0.5, -1, "not told apart")};
  results.contrasts.front().adjusted_p = 0.003;
  add_abstract(study_of({"llama", "qwen2"}), results);
  EXPECT_THAT(
      results.abstract,
      ElementsAre("Pictures cost language. Language from base to tuned: llama −12.3 points [−15.0, −9.6], lower, "
                  "as expected; qwen2 −4.0 points [−8.5, +0.5], not told apart (lower was expected)."));
  EXPECT_EQ(
      results.headline,
      "Of 2 comparisons with an expected direction 1 is seen as expected, 0 go the other way, and 1 cannot be told "
      "from no difference. 1 of the 2 intervals lies clear of 0; corrected for the number of comparisons (Holm), 1 "
      "stays below "
      "p = 0.05.");
}

TEST(StudyAbstract, SaysWhatTheIntervalsCover) {
  report::StudyResults results;
  const report::ScoreCell five{.value = 50, .low = 40, .high = 60, .samples = 100, .seeds = 5};
  results.scores = {{.base = "llama", .arm = "base", .groups = {five}, .tasks = {five}}};
  add_abstract(study_of({"llama"}), results);
  EXPECT_THAT(results.interval, HasSubstr("5 seeds and the samples"));
  results.scores.front().groups.front().seeds = 1;
  add_abstract(study_of({"llama"}), results);
  EXPECT_THAT(results.interval, HasSubstr("do not say what another training run would give"));
}

}  // namespace
}  // namespace cambium::study
