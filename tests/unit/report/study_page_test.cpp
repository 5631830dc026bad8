#include "report/study_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/study_markdown.h"

namespace cambium::report {
namespace {

using testing::HasSubstr;
using testing::Not;

StudyResults small_study() {
  StudyResults results;
  results.title = "Graft <b>&</b> merge";
  results.profile = "lab";
  results.command = "cambium study small.yml";
  results.groups = {"Language", "Pictures"};
  results.tasks = {{"arithmetic", 0}, {"colour", 1}};
  const ScoreCell seen{.value = 63.46, .low = 58.1, .high = 68.6, .samples = 100, .seeds = 1};
  results.scores = {{.base = "llama", .arm = "base", .groups = {seen, {}}, .tasks = {seen, {}}}};
  ContrastResult contrast;
  contrast.plot = {
      .name = "Tuning costs language", .estimate = -12.3, .low = -15, .high = -9.6, .expected = -1, .note = {}};
  contrast.base = "llama";
  contrast.verdict = "as expected";
  contrast.adjusted_p = 0.0004;
  results.contrasts = {contrast};
  results.missing = {"llama/s1/tuned/tune: failed: no memory"};
  results.flips = {{.base = "llama",
                    .task = "arithmetic",
                    .question = "1 < 2?",
                    .first_answer = "yes",
                    .second_answer = "no",
                    .target = "yes",
                    .first_arm = "base",
                    .second_arm = "tuned",
                    .gained = false,
                    .picture = "\x89"
                               "PNG",
                    .picture_type = "png"}};
  return results;
}

TEST(StudyPage, ShowsNumbersWithTheirIntervalsAndADashForWhatWasNotMeasured) {
  const std::string page = study_html(small_study());
  EXPECT_THAT(page, HasSubstr("63.5 [58.1, 68.6]"));
  EXPECT_THAT(page, HasSubstr("\xe2\x80\x93"));
  EXPECT_THAT(page, HasSubstr("−12.3"));
  EXPECT_THAT(page, HasSubstr("&lt; 0.001"));
  EXPECT_THAT(page, HasSubstr("as expected"));
}

TEST(StudyPage, SaysWhatIsMissingAndEscapesWhatItIsGiven) {
  const std::string page = study_html(small_study());
  EXPECT_THAT(page, HasSubstr("no memory"));
  EXPECT_THAT(page, HasSubstr("Graft &lt;b&gt;&amp;&lt;/b&gt; merge"));
  EXPECT_THAT(page, Not(HasSubstr("<b>&")));
  EXPECT_THAT(page, HasSubstr("1 &lt; 2?"));
}

TEST(StudyPage, ShowsAPictureFromWithin) {
  EXPECT_THAT(study_html(small_study()), HasSubstr("<img src=\"data:image/png;base64,iVBORw==\" alt="));
}

TEST(StudyPage, AsksForNothingOutsideItself) {
  const std::string page = study_html(small_study());
  EXPECT_THAT(page, Not(HasSubstr("src=\"http")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
}

TEST(StudyMarkdown, NamesEachFigureItWrites) {
  const auto files = study_markdown(small_study());
  ASSERT_TRUE(files.contains("report.md"));
  EXPECT_EQ(files.size(), 3U);
  for (const auto& [name, content] : files) {
    if (name == "report.md") continue;
    EXPECT_THAT(files.at("report.md"), HasSubstr(name));
    EXPECT_THAT(content, HasSubstr(name.ends_with("svg") ? "<svg" : "PNG"));
  }
}

}  // namespace
}  // namespace cambium::report
