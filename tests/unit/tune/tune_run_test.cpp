// Whole runs of a tiny model: mixtures, resuming, what is refused.
#include "tune/tune_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "checkpoint/json.h"
#include "support/temp_folder.h"
#include "tensor/error.h"
#include "tensor/progress.h"

namespace cambium::tune {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

// Asks to stop once so many steps are done.
class StopAfter final : public Progress {
 public:
  explicit StopAfter(int steps) : steps_(steps) {}
  void begin(std::string_view, std::uint64_t, std::string_view) override {}
  void advance(std::uint64_t) override {}
  [[nodiscard]] bool stop_requested() const override { return done >= steps_; }
  int done = 0;

 private:
  int steps_;
};

class TuneRun : public testing::Test {
 protected:
  TuneRun() {
    std::string texts, chats;
    for (int i = 0; i < 60; ++i) {
      texts += fmt::format("{{\"text\": \"line {} of a short text, {} words\"}}\n", i * 7 % 60, i);
      chats += fmt::format(
          "{{\"conversations\": [{{\"from\": \"human\", \"value\": \"what is {}?\"}}, {{\"from\": \"gpt\", \"value\": "
          "\"it is {}\"}}]}}\n",
          i, i * i % 17);
    }
    folder_.write("texts.jsonl", texts);
    folder_.write("chats.jsonl", chats);
  }

  std::string config(const std::string& output, const std::string& more = "", const std::string& share = "0.7") {
    const std::string text = fmt::format(
        "model: {}/tests/golden/training/llama\noutput: {}\ndtype: float32\nthreads: 1\ncontext: 128\nsources:\n"
        "  - {{path: {}, share: {}, repeat: 4}}\n  - {{path: {}, share: 0.3, repeat: 4}}\n{}",
        CAMBIUM_SOURCE_DIR, (folder_ / output).string(), (folder_ / "texts.jsonl").string(), share,
        (folder_ / "chats.jsonl").string(), more);
    return folder_.write(output + ".yml", text).string();
  }

  static constexpr const char* kShort =
      "mixture: {budget: 3k}\ntrain: {batch_tokens: 300, learning_rate: 1e-3}\ncheckpoint: {every_steps: 2}\n";

  std::vector<double> losses(const std::string& output) {
    std::vector<double> all;
    std::ifstream in(folder_ / (output + ".tuning") / "metrics.jsonl");
    for (std::string line; std::getline(in, line);) {
      const checkpoint::Json row = checkpoint::Json::parse(line);
      if (row.contains("loss")) all.push_back(row["loss"].get<double>());
    }
    return all;
  }

  TempFolder folder_;
};

TEST_F(TuneRun, AStoppedRunGoesOnWithTheSameLossBits) {
  TuneReport whole;
  run({.config = config("a", kShort), .set = {}, .progress = nullptr, .step_done = {}, .curve_grew = {}}, whole);
  EXPECT_LT(whole.last_loss, whole.first_loss);
  TuneReport part;
  StopAfter stop(5);
  TuneOptions options{.config = config("b", kShort), .set = {}, .progress = &stop, .step_done = {}, .curve_grew = {}};
  options.step_done = [&](const StepReport&) { ++stop.done; };
  EXPECT_THROW(run(options, part), Interrupted);
  EXPECT_THAT([&] { run(options, part); }, ThrowsMessage<UsageError>(HasSubstr("--resume")));
  options.progress = nullptr;
  options.resume = true;
  run(options, part);
  EXPECT_EQ(losses("b"), losses("a"));
  EXPECT_EQ(part.steps, whole.steps);
}

TEST_F(TuneRun, SharesByTokensComeOutWithinHalfAPoint) {
  TuneReport report;
  run({.config = config("a", "mixture: {budget: 6k}\ntrain: {batch_tokens: 1000}\n"),
       .set = {},
       .progress = nullptr,
       .step_done = {},
       .curve_grew = {}},
      report);
  EXPECT_NEAR(report.sources.at(0).realised, 0.7, 0.005);
  EXPECT_NEAR(report.sources.at(1).realised, 0.3, 0.005);
}

TEST_F(TuneRun, SequentialStagesFeedOneSourceAfterTheOther) {
  TuneReport report;
  run({.config = config("a", "mixture: {budget: 3k, schedule: sequential}\ntrain: {batch_tokens: 500}\n"),
       .set = {},
       .progress = nullptr,
       .step_done = {},
       .curve_grew = {}},
      report);
  std::ifstream in(folder_ / "a.tuning" / "metrics.jsonl");
  std::string line;
  std::getline(in, line);
  EXPECT_EQ(checkpoint::Json::parse(line)["share texts"].get<double>(), 1.0);
  EXPECT_NEAR(report.sources.at(0).realised, 0.7, 0.02);
}

TEST_F(TuneRun, RefusesABudgetThatTheDataCannotFill) {
  EXPECT_THAT(
      [&] {
        TuneReport report;
        run({.config = config("a", "mixture: {budget: 1M}\n"),
             .set = {},
             .progress = nullptr,
             .step_done = {},
             .curve_grew = {}},
            report);
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("'texts'"), HasSubstr("raise `repeat`"))));
}

TEST_F(TuneRun, RefusesTooManyBadRowsAndListsThem) {
  folder_.write("chats.jsonl", "{\"conversations\": 5}\n{\"text\": \"fine\"}\n");
  EXPECT_THAT(
      [&] {
        TuneReport report;
        run({.config = config("a", kShort), .set = {}, .progress = nullptr, .step_done = {}, .curve_grew = {}}, report);
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("1 of 2 rows"), HasSubstr("chats.jsonl: row 1"))));
}

TEST_F(TuneRun, RefusesLoraTargetsAndPartsThatMatchNothing) {
  TuneReport report;
  EXPECT_THAT(
      [&] {
        run({.config = config("a", "train: {lora: {targets: [q_prj]}}\n"),
             .set = {},
             .progress = nullptr,
             .step_done = {},
             .curve_grew = {}},
            report);
      },
      ThrowsMessage<UsageError>(AllOf(HasSubstr("q_prj"), HasSubstr("Did you mean 'q_proj'"))));
  EXPECT_THAT(
      [&] {
        run({.config = config("b", "train: {parts: {projectr: frozen}}\n"),
             .set = {},
             .progress = nullptr,
             .step_done = {},
             .curve_grew = {}},
            report);
      },
      ThrowsMessage<UsageError>(HasSubstr("'projectr' fits no tensor")));
}

TEST_F(TuneRun, FollowsPerplexityAndEndsAtTheForgettingLimit) {
  folder_.write("kept.txt", "some other words that nobody trains on, again and again and again");
  TuneReport report;
  run({.config = config(
           "a", std::string(kShort) + fmt::format("track: {{texts: [{}], every_tokens: 600, forgetting_limit: 0.0}}\n",
                                                  (folder_ / "kept.txt").string())),
       .set = {{"train.learning_rate", "0.5"}},
       .progress = nullptr,
       .step_done = {},
       .curve_grew = {}},
      report);
  EXPECT_EQ(report.end, "forgetting");
  ASSERT_EQ(report.curves.size(), 1U);
  EXPECT_GT(report.curves[0].forgetting(), 0.0);
}

TEST_F(TuneRun, FollowsTheShareOfAnswersThatAreExactlyRight) {
  std::string rows;
  for (int i = 0; i < 8; ++i) {
    rows +=
        "{\"conversations\": [{\"from\": \"human\", \"value\": \"say it\"}, {\"from\": \"gpt\", \"value\": \"it\"}]}\n";
  }
  folder_.write("chats.jsonl", rows);
  TuneReport report;
  run({.config =
           config("a", "mixture: {steps: 60}\ntrain: {batch_samples: 8, learning_rate: 1e-2, schedule: constant}\n" +
                           fmt::format("track: {{rows: [{}]}}\n", (folder_ / "chats.jsonl").string())),
       .set = {{"sources.0.share", "0"}, {"sources.1.share", "1"}, {"sources.1.repeat", "unlimited"}},
       .progress = nullptr,
       .step_done = {},
       .curve_grew = {}},
      report);
  ASSERT_EQ(report.curves.size(), 1U);
  EXPECT_EQ(report.curves[0].points.front().second, 0.0);
  EXPECT_EQ(report.curves[0].points.back().second, 1.0);
  EXPECT_EQ(report.steps, 60);
}

}  // namespace
}  // namespace cambium::tune
