// Two recorded runs compared: SmolLM2 without and with examples, as lm-evaluation-harness logged them
// (tests/golden/lm_eval). P values of right and wrong are scipy's binomtest of the discordant samples.
#include "tasks/comparison/run_comparison.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "support/temp_folder.h"
#include "tasks/comparison/flipped_answers.h"
#include "tasks/comparison/harness_folder.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

const fs::path kRuns = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lm_eval/results/smollm2";

const ComparedMetric& row(const RunComparison& comparison, const std::string& task, const std::string& metric,
                          const std::string& filter) {
  for (const ComparedMetric& one : comparison.metrics) {
    if (one.task == task && one.metric == metric && one.filter == filter) return one;
  }
  throw std::runtime_error("no such row: " + task);
}

TEST(CompareRuns, PairsRecordedSamplesAndTestsThem) {
  const RunComparison made = compare_runs(read_harness_folder(kRuns / "fs0"), read_harness_folder(kRuns / "fs3"),
                                          {.tasks = {}, .metrics = {}, .pairing = {.common_only = true}});
  const ComparedMetric& letters = row(made, "cam_facts_letters", "acc", "none");
  EXPECT_NEAR(letters.a, 5.0 / 36, 1e-15);
  EXPECT_NEAR(letters.b, 13.0 / 36, 1e-15);
  EXPECT_EQ(letters.lost, 5U);
  EXPECT_EQ(letters.won, 13U);
  EXPECT_NEAR(letters.p_value, 0.09625244140625, 1e-12);
  EXPECT_EQ(letters.test, "mcnemar_exact");
  const ComparedMetric& strict = row(made, "cam_math", "exact_match", "strict-match");
  EXPECT_NEAR(strict.p_value, 0.015625, 1e-12);
  // Three tasks, one row each: 3 x 0.015625 is the smallest of them.
  EXPECT_NEAR(*strict.p_holm, 0.046875, 1e-12);
  EXPECT_TRUE(strict.primary);
  EXPECT_FALSE(row(made, "cam_math", "exact_match", "flexible-extract").primary);
}

TEST(CompareRuns, RefusesTasksAndSamplesOfOneRunOnly) {
  const RecordedRun first = read_harness_folder(kRuns / "fs0");
  RecordedRun second = read_harness_folder(kRuns / "fs3");
  EXPECT_THAT([&] { (void)compare_runs(first, second, {}); },
              ThrowsMessage<ValueError>(testing::AllOf(HasSubstr("cam_prose"), HasSubstr("--common"))));
  EXPECT_THAT([&] { (void)compare_runs(first, second, {.tasks = {"cam_fact"}}); },
              ThrowsMessage<UsageError>(HasSubstr("cam_facts")));
  for (RecordedTask& task : second.tasks) task.samples.pop_back();
  EXPECT_THAT([&] { (void)compare_runs(first, second, {.tasks = {"cam_math"}}); },
              ThrowsMessage<ValueError>(HasSubstr("1 samples are in the first run only")));
  const RunComparison made =
      compare_runs(first, second, {.tasks = {"cam_math"}, .metrics = {}, .pairing = {.common_only = true}});
  EXPECT_EQ(made.metrics.at(0).n, 23U);
  EXPECT_THAT(made.notes, ElementsAre(HasSubstr("1 samples of the first run")));
}

// The same run twice: perplexities are no means, and differ in nothing.
TEST(CompareRuns, FindsNoDifferenceBetweenARunAndItself) {
  const RecordedRun run = read_harness_folder(kRuns / "fs0");
  const RunComparison made = compare_runs(run, run, {});
  EXPECT_GE(made.metrics.size(), 8U);
  for (const ComparedMetric& one : made.metrics) {
    EXPECT_EQ(one.difference, 0) << one.metric;
    EXPECT_EQ(one.p_value, 1) << one.metric;
  }
  // As the recording's results.json has them.
  EXPECT_FALSE(row(made, "cam_prose", "word_perplexity", "none").higher_is_better);
  EXPECT_NEAR(row(made, "cam_facts", "acc_norm", "none").a, 0.75, 1e-15);
}

// Eight invented samples on four pictures, in the reference's newest form of rows.
std::string rows(const std::string& right) {
  std::string text;
  for (std::size_t i = 0; i < right.size(); ++i) {
    text += fmt::format(
        R"({{"doc_id": {0}, "doc": {{"question": "q{0}", "image_id": {1}}}, "target": "1", )"
        R"("arguments": {{"gen_args_0": {{"arg_0": "Q: q{0}", "arg_1": " no"}}, "gen_args_1": {{"arg_0": "Q: q{0}", "arg_1": " yes"}}}}, )"
        R"("resps": [[["-1.5", "False"]], [["{2}", "True"]]], "filtered_resps": [["-1.5", "False"], ["{2}", "True"]], )"
        R"("filter": "none", "metrics": ["acc", "verdicts"], "acc": {3}, "verdicts": [true, {4}]}})"
        "\n",
        i, i / 2, right[i] == '1' ? "-0.5" : "-2.5", right[i], right[i] == '1' ? "true" : "false");
  }
  return text;
}

TEST(CompareRuns, SamplesOnOnePictureStandTogether) {
  const TempFolder folder;
  folder.write("a/m/samples_v_2026-01-01T10-00-00.123.jsonl", rows("00000000"));
  folder.write("a/m/samples_v_2026-01-02T10-00-00.123.jsonl", rows("11001100"));
  folder.write("b/samples_v.jsonl", rows("11111111"));
  folder.write("b/results_x.json", R"({"higher_is_better": {"v": {"acc": true}}, "model_name": "graft"})");
  const RunComparison made = compare_runs(read_harness_folder(folder / "a"), read_harness_folder(folder / "b"), {});
  EXPECT_EQ(made.second, "graft");
  const ComparedMetric& acc = row(made, "v", "acc", "none");
  EXPECT_EQ(acc.a, 0.5);  // the later file counts
  EXPECT_EQ(acc.clusters, 4U);
  EXPECT_EQ(acc.cluster_field, "image_id");
  // Two pictures of four differ, both in the same direction: 2 of the 4 sign patterns are as far out.
  EXPECT_EQ(acc.p_value, 0.5);
  EXPECT_EQ(acc.test, "permutation_exact");
  const ComparedMetric& verdicts = row(made, "v", "verdicts", "none");
  EXPECT_EQ(verdicts.n, 16U);
  EXPECT_EQ(verdicts.a, 0.75);
  const RunComparison alone = compare_runs(read_harness_folder(folder / "a"), read_harness_folder(folder / "b"),
                                           {.tasks = {}, .metrics = {"acc"}, .pairing = {}, .cluster = "none"});
  EXPECT_EQ(alone.metrics.at(0).p_value, 0.125);  // McNemar, 0 against 4
}

TEST(HarnessFolder, NamesTheLineOfADamagedRow) {
  const TempFolder folder;
  folder.write("a/samples_t.jsonl", rows("1") + "{\"doc_id\": 1}\n");
  EXPECT_THAT([&] { (void)read_harness_folder(folder / "a"); },
              ThrowsMessage<RecipeError>(HasSubstr("samples_t.jsonl:2")));
  folder.write("b/samples_t.jsonl", "{\"doc_id\": ");
  EXPECT_THROW((void)read_harness_folder(folder / "b"), RecipeError);
  folder.write("c/other.json", "{}");
  EXPECT_THAT([&] { (void)read_harness_folder(folder / "c"); }, ThrowsMessage<RecipeError>(HasSubstr("--log_samples")));
  folder.write("d/x/samples_t.jsonl", rows("1"));
  folder.write("d/y/samples_t.jsonl", rows("1"));
  EXPECT_THAT([&] { (void)read_harness_folder(folder / "d"); }, ThrowsMessage<RecipeError>(HasSubstr("several runs")));
}

TEST(FlippedAnswers, PutsBothAnswersSideBySideAndCountsKinds) {
  const FlippedAnswers made = flipped_answers(read_harness_folder(kRuns / "fs0"), read_harness_folder(kRuns / "fs3"),
                                              {.tasks = {"cam_facts", "cam_math"}, .metric = {}, .filter = {}});
  ASSERT_EQ(made.tasks.size(), 2U);
  const TaskFlips& facts = made.tasks[0];
  EXPECT_EQ(facts.both_right + facts.both_wrong + facts.lost + facts.won, 36U);
  EXPECT_EQ(facts.lost, 1U);
  EXPECT_EQ(facts.won, 5U);
  EXPECT_EQ(facts.flips.at(0).question, "Which bird cannot fly?");
  EXPECT_EQ(facts.flips.at(0).target, "The penguin");
  EXPECT_EQ(facts.flips.at(0).first_answer, "The penguin");
  EXPECT_EQ(facts.flips.at(0).second_answer, "The crow");
  const TaskFlips& math = made.tasks[1];
  EXPECT_EQ(math.filter, "flexible-extract");
  EXPECT_EQ(math.flips.at(0).first_extracted, "29,");
  EXPECT_EQ(math.flips.at(0).second_extracted, "11");
  std::uint64_t wrong_before = 0;
  for (const KindCount& kind : math.kinds) wrong_before += kind.first;
  EXPECT_EQ(wrong_before, math.both_wrong + math.won);
}

}  // namespace
}  // namespace cambium::tasks
