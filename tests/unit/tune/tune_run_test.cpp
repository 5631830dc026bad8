// Whole runs of a tiny model: mixtures, resuming, what is refused.
#include "tune/tune_run.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "checkpoint/json.h"
#include "checkpoint/open_file.h"
#include "eval/store/database.h"
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

const std::vector<std::pair<std::string, std::string>> kOnlyChats{
    {"sources.0.share", "0"}, {"sources.1.share", "1"}, {"sources.1.repeat", "unlimited"}};

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

  // Files of the test's folder are named in the first argument's lists as NAME.
  std::string track(const std::string& text) const {
    std::string line = text;
    for (const char* name : {"kept.txt", "chats.jsonl", "tasks"}) {
      const std::size_t at = line.find("[" + std::string(name));
      if (at != std::string::npos) line.insert(at + 1, folder_.path().string() + "/");
    }
    return "track: {" + line + "}\n";
  }

  static TuneOptions options(const std::string& config, std::vector<std::pair<std::string, std::string>> set = {}) {
    TuneOptions asked;
    asked.config = config;
    asked.set = std::move(set);
    return asked;
  }

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
  run(options(config("a", kShort)), whole);
  EXPECT_LT(whole.last_loss, whole.first_loss);
  TuneReport part;
  StopAfter stop(5);
  TuneOptions asked = options(config("b", kShort));
  asked.progress = &stop;
  asked.step_done = [&](const StepReport&) { ++stop.done; };
  EXPECT_THROW(run(asked, part), Interrupted);
  EXPECT_THAT([&] { run(asked, part); }, ThrowsMessage<UsageError>(HasSubstr("--resume")));
  asked.progress = nullptr;
  asked.resume = true;
  run(asked, part);
  EXPECT_EQ(losses("b"), losses("a"));
  EXPECT_EQ(part.steps, whole.steps);
}

TEST_F(TuneRun, SharesByTokensComeOutWithinHalfAPoint) {
  TuneReport report;
  run(options(config("a", "mixture: {budget: 6k}\ntrain: {batch_tokens: 1000}\n")), report);
  EXPECT_NEAR(report.sources.at(0).realised, 0.7, 0.005);
  EXPECT_NEAR(report.sources.at(1).realised, 0.3, 0.005);
}

TEST_F(TuneRun, SequentialStagesFeedOneSourceAfterTheOther) {
  TuneReport report;
  run(options(config("a", "mixture: {budget: 3k, schedule: sequential}\ntrain: {batch_tokens: 500}\n")), report);
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
        run(options(config("a", "mixture: {budget: 1M}\n")), report);
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("'texts'"), HasSubstr("raise `repeat`"))));
}

TEST_F(TuneRun, RefusesTooManyBadRowsAndListsThem) {
  folder_.write("chats.jsonl", "{\"conversations\": 5}\n{\"text\": \"fine\"}\n");
  EXPECT_THAT(
      [&] {
        TuneReport report;
        run(options(config("a", kShort)), report);
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("1 of 2 rows"), HasSubstr("chats.jsonl: row 1"))));
}

TEST_F(TuneRun, RefusesLoraTargetsAndPartsThatMatchNothing) {
  TuneReport report;
  EXPECT_THAT([&] { run(options(config("a", "train: {lora: {targets: [q_prj]}}\n")), report); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("q_prj"), HasSubstr("Did you mean 'q_proj'"))));
  EXPECT_THAT([&] { run(options(config("b", "train: {parts: {projectr: frozen}}\n")), report); },
              ThrowsMessage<UsageError>(HasSubstr("'projectr' fits no tensor")));
}

TEST_F(TuneRun, FollowsPerplexityAndEndsAtTheForgettingLimit) {
  folder_.write("kept.txt", "some other words that nobody trains on, again and again and again");
  TuneReport report;
  run(options(config("a", kShort + track("texts: [kept.txt], every_tokens: 600, forgetting_limit: 0.0")),
              {{"train.learning_rate", "0.5"}}),
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
  run(options(config("a", "mixture: {steps: 60}\ntrain: {batch_samples: 8, learning_rate: 1e-2, schedule: constant}\n" +
                              track("rows: [chats.jsonl]")),
              kOnlyChats),
      report);
  ASSERT_EQ(report.curves.size(), 1U);
  EXPECT_EQ(report.curves[0].points.front().second, 0.0);
  EXPECT_EQ(report.curves[0].points.back().second, 1.0);
  EXPECT_EQ(report.steps, 60);
}

// Bytes of the weights that a run wrote.
std::string weights(const std::filesystem::path& folder) { return checkpoint::read_file(folder / "model.safetensors"); }

TEST_F(TuneRun, AnAveragedRunResumesToTheSameWeights) {
  TuneReport report;
  run(options(config("a", kShort), {{"train.ema", "0.9"}}), report);
  StopAfter stop(5);
  TuneOptions asked = options(config("b", kShort), {{"train.ema", "0.9"}});
  asked.progress = &stop;
  asked.step_done = [&](const StepReport&) { ++stop.done; };
  EXPECT_THROW(run(asked, report), Interrupted);
  asked.progress = nullptr;
  asked.resume = true;
  run(asked, report);
  EXPECT_TRUE(weights(folder_ / "a") == weights(folder_ / "b"));
  run(options(config("c", kShort)), report);
  EXPECT_FALSE(weights(folder_ / "a") == weights(folder_ / "c"));
}

TEST_F(TuneRun, GoesOnWhateverMomentAProcessWasKilledAt) {
  TuneReport report;
  run(options(config("a", kShort)), report);
  // Before the first checkpoint: lines of steps that come again, and half a line. While the model was written: a part.
  folder_.write("b.tuning/metrics.jsonl", "{\"step\":0,\"curve\":\"x\",\"value\":1}\n{\"step\":1,\"loss\":7}\n{\"st");
  folder_.write(".b.partial/model.safetensors", "half");
  TuneOptions asked = options(config("b", kShort));
  asked.resume = true;
  run(asked, report);
  EXPECT_EQ(losses("b"), losses("a"));
  EXPECT_TRUE(weights(folder_ / "a") == weights(folder_ / "b"));
  // Behind the last rename: only the checkpoints were left.
  folder_.write("b.tuning/checkpoint-2/state.json", "{}");
  TuneReport second;
  run(asked, second);
  EXPECT_EQ(second.end, "done before");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "b.tuning/checkpoint-2"));
  // As soon as all was done: the same run has nothing to do, another one is not taken for it.
  run(asked, second);
  EXPECT_EQ(second.end, "done before");
  TuneOptions other = options(config("b", kShort), {{"seed", "77"}});
  other.resume = true;
  EXPECT_THAT([&] { run(other, second); }, ThrowsMessage<UsageError>(HasSubstr("exists already")));
}

TEST_F(TuneRun, TheBestPointOfACurveBecomesTheOutput) {
  folder_.write("kept.txt", "some other words that nobody trains on, again and again and again");
  TuneReport report;
  run(options(config("a", kShort + track("texts: [kept.txt], every_tokens: 600, best: perplexity kept")),
              {{"train.learning_rate", "0.5"}}),
      report);
  const auto least = std::ranges::min_element(report.curves.at(0).points, {}, &std::pair<std::int64_t, double>::second);
  ASSERT_LT(least->second, report.curves[0].points.back().second);
  TuneReport again;
  run(options(config("b", "mixture: {steps: 1}\n" + track("texts: [kept.txt]")),
              {{"model", (folder_ / "a").string()}, {"train.learning_rate", "0"}}),
      again);
  EXPECT_EQ(again.curves.at(0).points.front().second, least->second);
  EXPECT_THAT(
      [&] { run(options(config("c", kShort + track("texts: [kept.txt], best: perplexity kep"))), report); },
      ThrowsMessage<UsageError>(AllOf(HasSubstr("perplexity kep"), HasSubstr("Did you mean 'perplexity kept'"))));
}

class TrackedTask : public TuneRun {
 protected:
  // Eight questions with two answers, which the rows teach by heart.
  TrackedTask() {
    std::string rows, questions;
    for (int i = 0; i < 8; ++i) {
      rows += fmt::format("{{\"text\": \"number {} is {}\"}}\n", i, i % 2 == 0 ? "red" : "blue");
      questions += fmt::format("{{\"number\": {}, \"answer\": {}}}\n", i, i % 2);
    }
    folder_.write("chats.jsonl", rows);
    folder_.write("tasks/data/questions.jsonl", questions);
    folder_.write("tasks/colours.yaml",
                  "task: colours\ndataset_path: json\ndataset_kwargs: {data_files: {test: data/questions.jsonl}}\n"
                  "test_split: test\noutput_type: multiple_choice\ndoc_to_text: \"number {{number}} is\"\n"
                  "doc_to_choice: [red, blue]\ndoc_to_target: answer\n"
                  "metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]\n");
  }
};

TEST_F(TrackedTask, ItsMetricIsFollowedWhileTheModelIsTuned) {
  TuneOptions asked =
      options(config("a", "mixture: {steps: 60}\ntrain: {batch_samples: 8, learning_rate: 1e-2, schedule: constant}\n" +
                              track("tasks: [colours], task_folders: [tasks], every_tokens: 3k, limit: 8")),
              kOnlyChats);
  int grown = 0;
  asked.curve_grew = [&](const CurveReport&) { ++grown; };
  asked.store = (folder_ / "runs.db").string();
  TuneReport report;
  run(asked, report);
  ASSERT_EQ(report.curves.size(), 1U);
  EXPECT_EQ(report.curves[0].name, "colours acc");
  EXPECT_LE(report.curves[0].points.front().second, 0.75);
  EXPECT_EQ(report.curves[0].points.back().second, 1.0);
  EXPECT_EQ(static_cast<std::size_t>(grown), report.curves[0].points.size());
  EXPECT_GT(grown, 2);
  eval::Database store(asked.store, eval::Database::Mode::kReadOnly);
  eval::Statement points =
      store.prepare("SELECT count(*), max(value) FROM tuning_metric WHERE name = 'track/colours acc'", "testing");
  ASSERT_TRUE(points.step());
  EXPECT_EQ(points.integer(0), grown);
  EXPECT_EQ(points.real(1), 1.0);
}

TEST_F(TrackedTask, RefusesATaskThatThereIsNot) {
  TuneReport report;
  EXPECT_THAT([&] { run(options(config("a", kShort + track("tasks: [colour], task_folders: [tasks]"))), report); },
              ThrowsMessage<UsageError>(AllOf(HasSubstr("'colour'"), HasSubstr("colours"))));
}

}  // namespace
}  // namespace cambium::tune
