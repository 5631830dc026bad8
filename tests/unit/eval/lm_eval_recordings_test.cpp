// A small model's log-likelihoods and generations against recordings of lm-evaluation-harness 0.4.13 (hf, float32), and
// their independence of batches. tests/golden/lm_eval: the model was made by make_tiny_llama.py, the recordings by
// run_lm_eval.py there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "eval/local_backend.h"
#include "model/engine/engine_setup.h"
#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/chat_template.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::eval {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

const fs::path kGolden = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lm_eval";

Value entry(const Value& object, std::string_view key) {
  const Value* found = object.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

std::vector<Value> read_lines(const fs::path& file) {
  std::vector<Value> rows;
  const std::string text = tasks::read_text_file(file);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) rows.push_back(jinja::from_json(text.substr(begin, end - begin), file.string()));
    begin = end + 1;
  }
  return rows;
}

std::unique_ptr<model::RunningModel> tiny_llama(std::size_t step_tokens, unsigned threads) {
  model::EngineSetup setup;
  setup.model = (kGolden / "tiny_llama").string();
  setup.dtype = "float32";
  setup.threads = threads;
  setup.cache_gib = 0.25;
  setup.options.step_tokens = step_tokens;
  return std::make_unique<model::RunningModel>(setup);
}

struct RecordedRun {
  std::string name;
  tasks::TaskSet set;
  EvaluateOptions options;
  std::size_t max_length = 0;
};

RecordedRun run_of(const Value& recorded) {
  RecordedRun run{.name = entry(recorded, "name").as_string(), .set = {}, .options = {}};
  std::vector<std::string> names;
  for (const Value& task : entry(recorded, "tasks").items()) names.push_back(task.as_string());
  run.set = tasks::TaskIndex({kGolden / "tasks"}).load(names, {.folders = {kGolden}});
  run.options.prompts.num_fewshot = static_cast<int>(entry(recorded, "num_fewshot").as_int());
  run.options.prompts.fewshot_as_multiturn = jinja::truthy(entry(recorded, "multiturn"));
  if (entry(recorded, "system").is_string()) {
    run.options.prompts.system_instruction = entry(recorded, "system").as_string();
  }
  if (entry(recorded, "max_length").is_number()) {
    run.max_length = static_cast<std::size_t>(entry(recorded, "max_length").as_int());
  }
  run.options.scores.bootstrap_draws = 0;
  return run;
}

Evaluation evaluated(model::RunningModel& model, RecordedRun& run, bool chat, std::size_t batch_tokens) {
  LocalBackend backend(model.engine(), {.folder = model.folder(),
                                        .label = "tiny_llama",
                                        .fingerprint = "",
                                        .stop_ids = model.stop_ids(),
                                        .max_length = run.max_length,
                                        .threads = 2,
                                        .batch_tokens = batch_tokens});
  if (chat) run.options.prompts.chat = tasks::chat_renderer(*backend.chat_template());
  NoProgress progress;
  return evaluate(backend, run.set, run.options, nullptr, progress);
}

// Tolerance for a sum of float32 log-likelihoods.
void expect_likelihood(double got, double wanted, const std::string& where) {
  EXPECT_NEAR(got, wanted, 1e-3 + 1e-5 * std::abs(wanted)) << where;
}

std::size_t expect_recorded(const TaskOutcome& outcome, const std::vector<Value>& rows, const std::string& where) {
  std::size_t compared = 0, next = 0;
  const std::string& filter = outcome.task->config().filters.front().name;
  for (const Value& row : rows) {
    if (entry(row, "filter").as_string() != filter) continue;
    for (const Value& recorded : entry(row, "resps").items()) {
      const tasks::Response& response = outcome.responses.at(next).at(0);
      const std::string place = where + " request " + std::to_string(next);
      const Value& answer = recorded.items()[0];
      if (answer.is_string()) {
        EXPECT_EQ(response.text, answer.as_string()) << place;
      } else if (answer.is_sequence()) {
        expect_likelihood(response.log_likelihood, jinja::to_double(answer.items()[0]), place);
        EXPECT_EQ(response.greedy, jinja::truthy(answer.items()[1])) << place;
      } else {
        expect_likelihood(response.log_likelihood, jinja::to_double(answer), place);
      }
      ++next;
      ++compared;
    }
  }
  EXPECT_EQ(next, outcome.requests.size()) << where;
  return compared;
}

TEST(LmEvalRecordings, EverySampleOfEveryRunIsEqual) {
  const auto model = tiny_llama(512, 2);
  std::size_t compared = 0;
  const Value runs = jinja::from_json(tasks::read_text_file(kGolden / "runs.json"), "runs.json");
  for (const Value& recorded : runs.items()) {
    RecordedRun run = run_of(recorded);
    const Evaluation result = evaluated(*model, run, jinja::truthy(entry(recorded, "chat")), std::size_t{1} << 20);
    const fs::path folder = kGolden / "results/tiny_llama" / run.name;
    const Value metrics = entry(jinja::from_json(tasks::read_text_file(folder / "results.json"), run.name), "results");
    for (const TaskOutcome& outcome : result.tasks) {
      const std::string& task = outcome.task->name();
      ASSERT_EQ(outcome.error, "") << run.name;
      compared +=
          expect_recorded(outcome, read_lines(folder / ("samples_" + task + ".jsonl.gz")), run.name + "/" + task);
      for (const tasks::MetricResult& metric : outcome.score.metrics) {
        const Value wanted = entry(entry(metrics, task), metric.metric + "," + metric.filter);
        EXPECT_NEAR(metric.value, jinja::to_double(wanted), 1e-4 + 2e-5 * std::abs(jinja::to_double(wanted)))
            << run.name << "/" << task << "/" << metric.metric;
      }
    }
  }
  EXPECT_GT(compared, 1000U);
}

TEST(LocalBackend, GivesTheSameBitsWhateverTheBatch) {
  const Value runs = jinja::from_json(tasks::read_text_file(kGolden / "runs.json"), "runs.json");
  RecordedRun run = run_of(runs.items()[1]);
  const auto model = tiny_llama(512, 2);
  const Evaluation one = evaluated(*model, run, false, std::size_t{1} << 20);
  const auto other_model = tiny_llama(48, 1);
  const Evaluation other = evaluated(*other_model, run, false, 100);
  for (std::size_t t = 0; t < one.tasks.size(); ++t) {
    for (std::size_t r = 0; r < one.tasks[t].responses.size(); ++r) {
      EXPECT_EQ(one.tasks[t].responses[r][0].log_likelihood, other.tasks[t].responses[r][0].log_likelihood);
      EXPECT_EQ(one.tasks[t].responses[r][0].text, other.tasks[t].responses[r][0].text);
    }
  }
}

TEST(LocalBackend, ComputesSharedPromptsOnce) {
  const Value runs = jinja::from_json(tasks::read_text_file(kGolden / "runs.json"), "runs.json");
  RecordedRun run = run_of(runs.items()[1]);
  const auto model = tiny_llama(512, 2);
  LocalBackend backend(model->engine(), {.folder = model->folder(), .label = "tiny_llama", .fingerprint = ""});
  run.set.tasks.resize(1);
  NoProgress progress;
  static_cast<void>(evaluate(backend, run.set, run.options, nullptr, progress));
  // 36 questions of 4 options behind the same three examples.
  EXPECT_LT(backend.work().computed_tokens * 10, backend.work().prompt_tokens);
}

TEST(LocalBackend, RefusesALengthBeyondTheModel) {
  const auto model = tiny_llama(512, 1);
  EXPECT_THAT(
      [&] {
        LocalBackend(model->engine(), {.folder = model->folder(), .label = "t", .fingerprint = "", .max_length = 4096});
      },
      testing::ThrowsMessage<UsageError>(testing::HasSubstr("512")));
}

}  // namespace
}  // namespace cambium::eval
