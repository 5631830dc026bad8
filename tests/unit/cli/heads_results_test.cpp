#include "cli/heads_results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

using eval::HeadsReport;
using eval::HeadsRow;
using eval::HeadsTask;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing_support::TempFolder;

// Two layers of two heads; divergence as given.
HeadsTask task_with(const std::string& name, const std::vector<double>& divergences) {
  HeadsTask task;
  task.name = name;
  task.questions = 2;
  task.accuracy = 0.5;
  task.probability = 0.6;
  task.documents = {4, 7};
  task.options = {{{-1.0, -2.0}, {-3.0, -1.0}}};
  for (std::size_t i = 0; i < divergences.size(); ++i) {
    HeadsRow row;
    row.layer = i / 2;
    row.heads = {i % 2};
    row.accuracy = 0.25;
    row.probability = 0.4;
    row.kl = divergences[i];
    task.rows.push_back(row);
    task.options.push_back({{-2.0, -1.0}, {-1.0, -1.5}});
  }
  return task;
}

HeadsReport report_with(std::vector<HeadsTask> tasks) {
  HeadsReport report;
  report.model = "tiny, model";
  report.layers = 2;
  report.heads = 2;
  report.tasks = std::move(tasks);
  return report;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(RankCorrelation, EqualsScipysSpearman) {
  EXPECT_NEAR(rank_correlation({0.3, 0.1, 0.1, 0.7, 0.2, 0.9}, {0.2, 0.15, 0.4, 0.5, 0.1, 0.8}), 0.6667366910003157,
              1e-12);
  EXPECT_TRUE(std::isnan(rank_correlation({1, 1, 1}, {1, 2, 3})));
}

TEST(CompareHeads, TellsSharedHeadsFromThoseOfOneSide) {
  const HeadsComparison made =
      compare_heads("text", task_with("a", {0.1, 0.5, 0.2, 0.3}), "pictures", task_with("b", {0.4, 0.1, 0.2, 0.3}));
  EXPECT_EQ(made.top, 1U);
  EXPECT_TRUE(made.both.empty());
  EXPECT_THAT(made.only_first, ElementsAre(Pair(0, 1)));
  EXPECT_THAT(made.only_second, ElementsAre(Pair(0, 0)));
  EXPECT_NEAR(made.spearman, -0.8, 1e-12);
  EXPECT_THROW((void)compare_heads("x", task_with("a", {0.1, 0.5}), "y", task_with("b", {0.4, 0.1, 0.2, 0.3})),
               ShapeError);
}

TEST(HeadsFolder, HasThePublishedLayout) {
  const TempFolder folder;
  write_heads_folder(folder / "one", report_with({task_with("a", {0.1, 0.5, 0.2, 0.3})}));
  const auto kl = nlohmann::json::parse(text_of(folder / "one/kl.json"));
  EXPECT_EQ(kl.size(), 4U);
  EXPECT_EQ(kl.at("[0, 1]"), 0.5);
  EXPECT_EQ(nlohmann::json::parse(text_of(folder / "one/accu_prob.json")).at("[1, 0]"), 0.25);
  std::istringstream lines(text_of(folder / "one/option_logits.jsonl"));
  std::string first, third;
  std::getline(lines, first);
  std::getline(lines, third);
  std::getline(lines, third);
  EXPECT_EQ(first, R"({"masked":null,"id":4,"answer":"A","logits":[-1.0,-2.0]})");
  EXPECT_EQ(third, R"({"masked":[0,0],"id":4,"answer":"B","logits":[-2.0,-1.0]})");
  write_heads_folder(folder / "two", report_with({task_with("a", {0.1}), task_with("b", {0.2})}));
  EXPECT_TRUE(std::filesystem::exists(folder / "two/b/kl.json"));
}

TEST(HeadsTables, QuoteNamesAndDrawEveryHead) {
  const std::vector<HeadsReport> reports{report_with({task_with("a", {0.1, 0.5, 0.2, 0.3})})};
  EXPECT_THAT(heads_csv(reports), testing::StartsWith("model,task,layer,heads,accuracy,probability,kl\n"
                                                      "\"tiny, model\",a,,,0.5,0.6,0\n"
                                                      "\"tiny, model\",a,0,0,0.25,0.4,0.1\n"));
  const std::string page = heads_page(reports, {});
  EXPECT_THAT(page, testing::AllOf(HasSubstr("<svg"), HasSubstr("Divergence without a head"), HasSubstr("0.1")));
}

}  // namespace
}  // namespace cambium::cli
