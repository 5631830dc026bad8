// The features of task files against lm-evaluation-harness 0.4.13 with invented answers:
// tests/golden/lm_eval_features/make_features.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tasks/group_score.h"
#include "tasks/score.h"
#include "tasks/task_index.h"
#include "tasks/text_file.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

const fs::path kGolden = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lm_eval_features";
constexpr std::size_t kDraws = 1000;

Value entry(const Value& object, std::string_view key) {
  const Value* found = object.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

std::string json(const Value& value) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_json(value, {}, budget);
}

// Equal as JSON, numbers but for their last digits.
bool near(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const double x = jinja::to_double(a);
    const double y = jinja::to_double(b);
    return std::abs(x - y) <= 1e-12 * std::max(1.0, std::abs(y)) || (std::isnan(x) && std::isnan(y));
  }
  if (a.is_sequence() && b.is_sequence()) return std::ranges::equal(a.items(), b.items(), near);
  return json(a) == json(b);
}

std::string rendered_chat(const std::vector<Message>& messages, bool add_generation_prompt) {
  std::string text;
  for (const Message& message : messages)
    text += "<" + message.role + ">" + message.content + "</" + message.role + ">\n";
  return add_generation_prompt ? text + "<assistant>" : text.substr(0, text.rfind("</"));
}

Response response_of(const Value& recorded) {
  Response response;
  if (recorded.is_string()) response.text = recorded.as_string();
  if (recorded.is_number()) response.log_likelihood = jinja::to_double(recorded);
  if (recorded.is_sequence()) {
    response.log_likelihood = jinja::to_double(recorded.items()[0]);
    response.greedy = jinja::truthy(recorded.items()[1]);
  }
  return response;
}

Value arguments_of(const Request& request) {
  if (request.kind == Request::Kind::kRolling) return Value::list({Value::string(request.continuation)});
  if (request.kind == Request::Kind::kGenerate)
    return Value::list({Value::string(*request.context), request.generation});
  return Value::list({Value::string(*request.context), Value::string(request.continuation)});
}

void expect_metrics(const std::string& where, const Value& recorded, const std::vector<MetricResult>& metrics) {
  for (const MetricResult& metric : metrics) {
    const Value value = entry(recorded, metric.metric + "," + metric.filter);
    const Value error = entry(recorded, metric.metric + "_stderr," + metric.filter);
    ASSERT_TRUE(value.is_number()) << where << " " << metric.metric;
    EXPECT_TRUE(near(Value::real(metric.value), value))
        << where << " " << metric.metric << " " << metric.value << " for " << json(value);
    ASSERT_EQ(error.is_number(), metric.standard_error.has_value()) << where << " " << metric.metric;
    if (error.is_number()) {
      EXPECT_NEAR(*metric.standard_error, jinja::to_double(error), 1e-9) << where << " " << metric.metric;
    }
  }
}

TEST(LmEvalFeatures, PromptsFiltersMetricsErrorsAndGroupsAreEqual) {
  const TaskIndex index({kGolden / "tasks"});
  const DataSearch search{.folders = {kGolden}};
  const Value golden = jinja::from_json(read_text_file(kGolden / "features.json.gz"), "features.json.gz");
  for (const Value& run : entry(golden, "runs").items()) {
    PromptOptions options;
    if (entry(run, "num_fewshot").is_number())
      options.num_fewshot = static_cast<int>(entry(run, "num_fewshot").as_int());
    if (entry(run, "chat").is(jinja::Type::kBool)) options.chat = rendered_chat;
    options.fewshot_as_multiturn = jinja::truthy(entry(run, "multiturn"));
    if (entry(run, "system").is_string()) options.system_instruction = entry(run, "system").as_string();
    const TaskSet set = index.load({"feat_all", "feat_alone"}, search);
    ASSERT_EQ(set.tasks.size(), entry(run, "tasks").as_dict().size());
    std::map<std::string, TaskScore> scores;
    for (const auto& task : set.tasks) {
      const std::string where = entry(run, "name").as_string() + "/" + task->name();
      const Value rows = entry(entry(run, "tasks"), task->name());
      ASSERT_TRUE(rows.is_sequence()) << where;
      const std::vector<Request> requests = task->requests(options);
      std::vector<std::vector<Response>> responses;
      for (const Value& row : rows.items()) {
        if (entry(row, "filter").as_string() != task->config().filters.front().name) continue;
        const auto& arguments = entry(row, "arguments").items();
        for (std::size_t i = 0; i < arguments.size(); ++i) {
          ASSERT_LT(responses.size(), requests.size()) << where;
          EXPECT_EQ(json(arguments_of(requests[responses.size()])), json(arguments[i])) << where;
          std::vector<Response> answers;
          for (const Value& recorded : entry(row, "resps").items()[i].items()) answers.push_back(response_of(recorded));
          responses.push_back(std::move(answers));
        }
      }
      ASSERT_EQ(responses.size(), requests.size()) << where;
      const TaskScore score = tasks::score(*task, requests, responses, {.bootstrap_draws = kDraws});
      ASSERT_EQ(score.samples.size(), rows.items().size()) << where;
      for (std::size_t i = 0; i < score.samples.size(); ++i) {
        const SampleScore& sample = score.samples[i];
        const Value& row = rows.items()[i];
        EXPECT_EQ(sample.filter, entry(row, "filter").as_string()) << where;
        EXPECT_EQ(json(sample.target), json(entry(row, "target"))) << where << " row " << i;
        EXPECT_EQ(json(Value::list(sample.responses)), json(entry(row, "filtered"))) << where << " row " << i;
        for (const auto& [metric, value] : sample.metrics) {
          EXPECT_TRUE(near(value, entry(entry(row, "metrics"), metric)))
              << where << " row " << i << " " << metric << " " << json(value);
        }
      }
      expect_metrics(where, entry(entry(run, "results"), task->name()), score.metrics);
      scores[task->name()] = score;
    }
    for (const Group& group : set.groups) {
      for (const GroupScore& one : score_group(group, scores)) {
        expect_metrics(one.name, entry(entry(run, "results"), one.name), one.metrics);
      }
    }
  }
}

}  // namespace
}  // namespace cambium::tasks
