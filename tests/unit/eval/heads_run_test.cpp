// A head study of a small model: without a mask it must be the evaluation that lm-evaluation-harness 0.4.13 recorded
// (tests/golden/lm_eval).
#include "eval/heads_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tasks/comparison/harness_folder.h"
#include "tensor/error.h"
#include "tensor/progress.h"

namespace cambium::eval {
namespace {

const std::string kGolden = CAMBIUM_SOURCE_DIR "/tests/golden/lm_eval";

HeadsReport studied(HeadsOptions options) {
  NoProgress progress;
  options.model = kGolden + "/tiny_llama";
  options.include_paths = {kGolden + "/tasks"};
  options.data_roots = {kGolden};
  options.dtype = "float32";
  options.threads = 2;
  options.cache_gib = 0.25;
  options.progress = &progress;
  HeadsReport report;
  cambium_heads(options, report);
  return report;
}

TEST(HeadsRun, WithAllHeadsItIsTheRecordedEvaluation) {
  HeadsOptions options;
  options.tasks = {"cam_facts", "cam_facts_letters"};
  options.num_fewshot = 3;
  options.keep_options = true;
  const HeadsReport report = studied(options);
  const tasks::RecordedRun recorded = tasks::read_harness_folder(kGolden + "/results/tiny_llama/fs3");
  ASSERT_EQ(report.tasks.size(), 2U);
  for (const HeadsTask& task : report.tasks) {
    const tasks::RecordedTask* golden = recorded.find(task.name);
    ASSERT_NE(golden, nullptr);
    ASSERT_EQ(task.questions, golden->samples.size());
    ASSERT_EQ(task.rows.size(), report.layers * report.heads);
    ASSERT_EQ(task.options.size(), task.rows.size() + 1);
    double right = 0;
    for (std::size_t q = 0; q < task.questions; ++q) {
      const tasks::RecordedSample& sample = golden->samples[q];
      right += sample.score("acc", "none")->value.as_float();
      for (std::size_t o = 0; o < sample.answers.size(); ++o) {
        const double expected = sample.answers[o].log_likelihood;
        EXPECT_NEAR(task.options[0][q][o], expected, 1e-3 + 1e-5 * std::abs(expected)) << task.name << " " << q;
      }
    }
    EXPECT_NEAR(task.accuracy, right / static_cast<double>(task.questions), 1e-12) << task.name;
    // By definition of a divergence; and switching heads off does something.
    const auto strongest = std::ranges::max_element(task.rows, {}, &HeadsRow::kl);
    EXPECT_GT(strongest->kl, 1e-4);
    EXPECT_GE(std::ranges::min_element(task.rows, {}, &HeadsRow::kl)->kl, -1e-12);
  }
}

TEST(HeadsRun, SwitchesOffWholeLayersAndChosenOnes) {
  HeadsOptions options;
  options.tasks = {"cam_facts"};
  options.limit = 4;
  options.by = "layer";
  options.layers = {1};
  const HeadsReport report = studied(options);
  ASSERT_EQ(report.tasks.at(0).rows.size(), 1U);
  EXPECT_EQ(report.tasks[0].rows[0].layer, 1U);
  EXPECT_EQ(report.tasks[0].rows[0].heads.size(), report.heads);
  EXPECT_EQ(report.tasks[0].questions, 4U);
}

TEST(HeadsRun, RefusesTasksWithoutOptionsAndLayersThatAreNotThere) {
  HeadsOptions options;
  options.tasks = {"cam_math"};
  EXPECT_THAT([&] { (void)studied(options); },
              testing::ThrowsMessage<RecipeError>(testing::HasSubstr("multiple_choice")));
  options.tasks = {"cam_facts"};
  options.layers = {99};
  EXPECT_THAT([&] { (void)studied(options); }, testing::ThrowsMessage<UsageError>(testing::HasSubstr("no layer 99")));
}

}  // namespace
}  // namespace cambium::eval
