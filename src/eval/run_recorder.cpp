#include "eval/run_recorder.h"

#include <fmt/format.h>

#include <cmath>

#include "checkpoint/content_hash.h"
#include "checkpoint/open_file.h"
#include "eval/json_text.h"
#include "eval/request_key.h"
#include "tasks/task_config.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

std::string hash(const std::string& text) { return checkpoint::to_string(checkpoint::hash_text(text)); }

std::string version_text(const tasks::Task& task) {
  text::jinja::Budget budget{text::jinja::Limits{}};
  return text::jinja::to_text(task.version(), budget);
}

// Of the task file, its data and everything that shapes its prompts.
std::string fingerprint_of(const TaskOutcome& outcome, const EvaluateOptions& options) {
  const tasks::Task& task = *outcome.task;
  std::string all = fmt::format("{}\n{}\n{}\n", task.name(), json_text(task.config().raw), outcome.num_fewshot);
  for (const std::filesystem::path& file : task.data_files()) {
    all += checkpoint::to_string(checkpoint::hash_text(checkpoint::read_file(file))) + "\n";
  }
  const tasks::PromptOptions& prompts = options.prompts;
  all += fmt::format("{}\n{}\n{}\n{}\n{}\n", prompts.fewshot_seed, prompts.fewshot_as_multiturn,
                     json_text(prompts.generation), hash(prompts.system_instruction), hash(options.chat_template));
  return hash(all);
}

// JSON of whatever a value is; what JSON has no form for is printed.
std::string json_of(const Value& value) { return json_text(value); }

std::optional<double> number_in(const Value& value) {
  if (!value.is_number()) return std::nullopt;
  return text::jinja::to_double(value);
}

StoredMetric stored(const std::string& name, bool is_group, const tasks::MetricResult& metric) {
  return {.name = name,
          .is_group = is_group,
          .metric = metric.metric,
          .filter = metric.filter,
          .value = metric.value,
          .standard_error = metric.standard_error,
          .count = metric.count,
          .higher_is_better = metric.higher_is_better};
}

void add_group(StoredGroups& members, const tasks::Group& group) {
  members[group.name] = group.children;
  for (const tasks::Group& child : group.groups) add_group(members, child);
}

}  // namespace

RunRecorder::RunRecorder(Store& store, const BackendFacts& facts, const std::vector<TaskOutcome>& tasks,
                         const std::vector<tasks::Group>& groups, const EvaluateOptions& options)
    : store_(store) {
  if (facts.fingerprint.empty()) {
    throw UsageError(fmt::format("{}: this model has no fingerprint, so its answers cannot be stored", facts.label));
  }
  const std::string& name = options.run_name.empty() ? facts.label : options.run_name;
  std::string identity = fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", name, facts.label, options.options_json,
                                     facts.fingerprint, facts.settings, options.seed, options.scores.predict_only);
  std::vector<NewTask> new_tasks;
  for (const TaskOutcome& outcome : tasks) {
    NewTask task{.fingerprint = fingerprint_of(outcome, options),
                 .name = outcome.task->name(),
                 .version = version_text(*outcome.task),
                 .output_type = std::string(tasks::output_type_name(outcome.task->config().output_type)),
                 .config = json_text(outcome.task->config().raw),
                 .num_fewshot = outcome.num_fewshot,
                 .samples = 0};
    identity += task.fingerprint + "\n";
    std::size_t last = SIZE_MAX;
    for (const tasks::Request& request : outcome.requests) {
      if (request.document == last) continue;
      last = request.document;
      ++task.samples;
      identity += fmt::format("{} ", last);
    }
    new_tasks.push_back(std::move(task));
  }
  const Value model_facts = Value::dict({{"label", Value::string(facts.label)},
                                         {"dtype", Value::string(facts.dtype)},
                                         {"max_length", Value::integer(static_cast<std::int64_t>(facts.max_length))},
                                         {"parameters", Value::integer(static_cast<std::int64_t>(facts.parameters))}});
  run_ = store_.begin_run({.identity = hash(identity),
                           .name = name,
                           .model_fingerprint = facts.fingerprint,
                           .model_label = facts.label,
                           .model_facts = json_text(model_facts),
                           .options = options.options_json,
                           .version = options.version});
  StoredGroups members;
  for (const tasks::Group& group : groups) add_group(members, group);
  store_.put_groups(run_, members);
  for (std::size_t i = 0; i < new_tasks.size(); ++i) tasks_.push_back(store_.begin_task(run_, i, new_tasks[i]));
}

std::map<std::pair<std::string, int>, StoredResponse> RunRecorder::known(const std::vector<std::string>& keys) const {
  return store_.responses(run_, keys);
}

void RunRecorder::add(const std::string& key, int repeat, const tasks::Request& request,
                      const tasks::Response& response, std::size_t tokens) {
  store_.add_response(
      run_, key, repeat,
      {.log_likelihood = response.log_likelihood, .greedy = response.greedy, .text = response.text, .tokens = tokens},
      request.kind == tasks::Request::Kind::kGenerate);
}

void RunRecorder::finish_task(std::size_t task, const TaskOutcome& outcome, const std::vector<std::string>& keys,
                              double seconds) {
  std::vector<FinishedSample> samples;
  std::map<std::size_t, std::size_t> places;  // of documents
  for (std::size_t i = 0; i < outcome.requests.size(); ++i) {
    const tasks::Request& request = outcome.requests[i];
    if (const auto [place, is_new] = places.try_emplace(request.document, samples.size()); is_new) {
      const Value& document = outcome.task->documents()[request.document];
      samples.push_back({.document = request.document,
                         .content = json_of(document),
                         .target = json_of(outcome.task->target(document)),
                         .requests = {},
                         .answers = {},
                         .scores = {}});
    }
    samples[places.at(request.document)].requests.push_back(
        {.kind = kind_name(request.kind),
         .prompt = *request.context,
         .continuation = request.continuation,
         .generation = request.generation.is_none() ? std::string() : json_text(request.generation),
         .media = media_json(request),
         .repeats = request.repeats,
         .key = keys[i]});
  }
  for (const tasks::SampleScore& score : outcome.score.samples) {
    FinishedSample& sample = samples[places.at(score.document)];
    sample.answers.emplace_back(score.filter, json_of(Value::list(score.responses)));
    for (const auto& [metric, value] : score.metrics) {
      sample.scores.push_back(
          {.filter = score.filter, .metric = metric, .value = number_in(value), .content = json_of(value)});
    }
  }
  std::vector<StoredMetric> metrics;
  for (const tasks::MetricResult& metric : outcome.score.metrics) {
    metrics.push_back(stored(outcome.task->name(), false, metric));
  }
  store_.finish_task(run_, tasks_[task], samples, metrics, seconds);
}

void RunRecorder::fail_task(std::size_t task, const std::string& message) {
  store_.fail_task(run_, tasks_[task], message);
}

void RunRecorder::finish(const Evaluation& evaluation) {
  std::vector<StoredMetric> metrics;
  for (const tasks::GroupScore& group : evaluation.groups) {
    for (const tasks::MetricResult& metric : group.metrics) metrics.push_back(stored(group.name, true, metric));
  }
  store_.finish_run(run_, metrics, evaluation.seconds);
}

}  // namespace cambium::eval
