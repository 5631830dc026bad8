// Prompts and scores against recordings of lm-evaluation-harness 0.4.13 (tests/golden/lm_eval: made by run_lm_eval.py
// there), without a model: the recorded answers are scored again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tasks/group_score.h"
#include "tasks/score.h"
#include "tasks/task_index.h"
#include "tasks/text_file.h"
#include "text/chat_template.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

const fs::path kGolden = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lm_eval";

// The chat templates of the two models.
constexpr std::string_view kTinyLlama =
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] | trim + '<|end|>\n' }}{% "
    "endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}";

text::ChatTemplate chat_of(const std::string& model) {
  if (model == "tiny_llama") return text::ChatTemplate::from_text(kTinyLlama, "tiny_llama", {{"bos_token", "<|bos|>"}});
  return text::ChatTemplate::from_text(read_text_file(kGolden.parent_path() / "chat_templates/templates/smollm2.jinja"),
                                       "smollm2");
}

Value entry(const Value& object, std::string_view key) {
  const Value* found = object.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

std::vector<Value> read_lines(const fs::path& file) {
  std::vector<Value> rows;
  const std::string text = read_text_file(file);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (end > begin) rows.push_back(jinja::from_json(text.substr(begin, end - begin), file.string()));
    begin = end + 1;
  }
  return rows;
}

Response response_of(const Value& recorded) {
  Response response;
  if (recorded.is_string()) response.text = recorded.as_string();
  if (recorded.is_number()) response.log_likelihood = jinja::to_double(recorded);
  if (recorded.is_sequence()) {
    response.log_likelihood = jinja::to_double(recorded.items()[0]);
    if (recorded.items().size() > 1) response.greedy = jinja::truthy(recorded.items()[1]);
  }
  return response;
}

// Equal as JSON, where a tuple is a list.
bool same(const Value& a, const Value& b) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::equal(jinja::from_json(jinja::to_json(a, {}, budget), "a"), b, budget);
}

// A request's arguments as the reference logs them.
std::vector<Value> arguments_of(const Request& request) {
  if (request.kind == Request::Kind::kRolling) return {Value::string(request.continuation)};
  if (request.kind == Request::Kind::kGenerate) return {Value::string(*request.context), request.generation};
  return {Value::string(*request.context), Value::string(request.continuation)};
}

void expect_number(const std::string& what, const Value& expected, double got) {
  const double wanted = jinja::to_double(expected);
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(got)) << what;
  } else {
    EXPECT_NEAR(got, wanted, 1e-12 * std::max(1.0, std::abs(wanted))) << what;
  }
}

class LmEvalGolden : public testing::TestWithParam<std::string> {};

TEST_P(LmEvalGolden, PromptsAreByteEqualAndScoresAreEqual) {
  const std::string model = GetParam();
  const text::ChatTemplate chat = chat_of(model);
  const TaskIndex index({kGolden / "tasks"});
  const DataSearch search{.folders = {kGolden}};
  const Value runs = jinja::from_json(read_text_file(kGolden / "runs.json"), "runs.json");
  std::size_t prompts = 0;
  std::size_t numbers = 0;
  for (const Value& run : runs.items()) {
    const std::string name = entry(run, "name").as_string();
    const fs::path folder = kGolden / "results" / model / name;
    const Value results = entry(jinja::from_json(read_text_file(folder / "results.json"), name), "results");
    std::vector<std::string> names;
    for (const Value& task : entry(run, "tasks").items()) names.push_back(task.as_string());
    const TaskSet set = index.load(names, search);
    PromptOptions options;
    options.num_fewshot = static_cast<int>(entry(run, "num_fewshot").as_int());
    if (entry(run, "chat").is(jinja::Type::kBool)) options.chat = chat_renderer(chat);
    options.fewshot_as_multiturn = jinja::truthy(entry(run, "multiturn"));
    if (entry(run, "system").is_string()) options.system_instruction = entry(run, "system").as_string();

    std::map<std::string, TaskScore> scores;
    for (const auto& task : set.tasks) {
      const std::string where = model + "/" + name + "/" + task->name();
      const std::vector<Value> rows = read_lines(folder / ("samples_" + task->name() + ".jsonl.gz"));
      const std::vector<Request> requests = task->requests(options);
      std::vector<std::vector<Response>> responses;
      std::size_t next = 0;
      const std::string first_filter = task->config().filters.front().name;
      for (const Value& row : rows) {
        if (entry(row, "filter").as_string() != first_filter) continue;
        const auto& arguments = entry(row, "arguments").items();
        for (std::size_t i = 0; i < arguments.size(); ++i, ++next) {
          ASSERT_LT(next, requests.size()) << where;
          EXPECT_TRUE(same(Value::list(arguments_of(requests[next])), arguments[i]))
              << where << " document " << requests[next].document;
          std::vector<Response> answers;
          for (const Value& recorded : entry(row, "resps").items()[i].items()) answers.push_back(response_of(recorded));
          responses.push_back(std::move(answers));
          ++prompts;
        }
      }
      ASSERT_EQ(next, requests.size()) << where;
      const TaskScore score = tasks::score(*task, requests, responses, {.bootstrap_draws = 1000});
      ASSERT_EQ(score.samples.size(), rows.size()) << where;
      for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_TRUE(same(Value::list(score.samples[i].responses), entry(rows[i], "filtered_resps")))
            << where << " row " << i;
        for (const auto& [metric, value] : score.samples[i].metrics) {
          EXPECT_TRUE(same(value, entry(rows[i], metric))) << where << " row " << i << " " << metric;
        }
      }
      scores[task->name()] = score;
    }
    std::map<std::string, std::vector<MetricResult>> all;
    for (const auto& [task, score] : scores) all[task] = score.metrics;
    for (const Group& group : set.groups) {
      for (const GroupScore& one : score_group(group, scores)) all[one.name] = one.metrics;
    }
    for (const auto& [task, metrics] : results.as_dict().entries()) {
      for (const MetricResult& metric : all.at(task.as_string())) {
        const std::string key = metric.metric + "," + metric.filter;
        const Value error = entry(metrics, metric.metric + "_stderr," + metric.filter);
        expect_number(name + " " + task.as_string() + " " + key, entry(metrics, key), metric.value);
        ++numbers;
        if (metric.metric.find("perplexity") != std::string::npos) continue;  // bootstrapped with other draws here
        EXPECT_EQ(error.is_number(), metric.standard_error.has_value()) << name << " " << key;
        if (error.is_number()) expect_number(name + " stderr " + key, error, *metric.standard_error);
      }
    }
  }
  EXPECT_GT(prompts, 1500U);
  EXPECT_GT(numbers, 25U);
}

INSTANTIATE_TEST_SUITE_P(Models, LmEvalGolden, testing::Values("tiny_llama", "smollm2"),
                         [](const auto& which) { return which.param; });

}  // namespace
}  // namespace cambium::tasks
