#include "eval/harness_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "eval/harness_sample_hashes.h"
#include "eval/sha256.h"

namespace cambium::eval {

namespace {

using text::jinja::Value;

Value text_value(std::string text) { return Value::string(std::move(text)); }
Value count_value(std::size_t count) { return Value::integer(static_cast<std::int64_t>(count)); }
void set(Value& dict, std::string_view key, Value value) { dict.as_dict().set(key, std::move(value)); }

Value sorted_dict(const std::map<std::string, Value>& entries) {
  Value dict = Value::dict();
  for (const auto& [key, value] : entries) set(dict, key, value);
  return dict;
}

void put_metric(Value& entry, const tasks::MetricResult& metric) {
  set(entry, metric.metric + "," + metric.filter, Value::real(metric.value));
  set(entry, metric.metric + "_stderr," + metric.filter,
      metric.standard_error ? Value::real(*metric.standard_error) : text_value("N/A"));
}

Value task_entry(const TaskOutcome& outcome) {
  Value entry = Value::dict({{"name", text_value(outcome.task->name())},
                             {"alias", text_value(outcome.task->config().alias)},
                             {"sample_len", count_value(outcome.score.documents)}});
  for (const tasks::MetricResult& metric : outcome.score.metrics) put_metric(entry, metric);
  return entry;
}

Value group_entry(const tasks::Group& group, const tasks::GroupScore& score) {
  Value entry = Value::dict({{"alias", text_value(group.alias)}, {"name", text_value(group.name)}});
  if (group.metrics.empty()) return entry;
  set(entry, "sample_len", count_value(score.documents));
  Value counts = Value::dict();
  for (const tasks::MetricResult& metric : score.metrics) {
    put_metric(entry, metric);
    set(counts, metric.metric + "," + metric.filter, count_value(metric.count));
  }
  set(entry, "sample_count", counts);
  return entry;
}

// What examples take, the task's own where they have nothing of their own.
Value fewshot_config_of(const tasks::TaskConfig& config) {
  const tasks::FewShotConfig& shots = config.fewshot;
  const auto own = [](const Value& value, const Value& fallback) { return value.is_none() ? fallback : value; };
  const auto optional = [](const std::optional<std::string>& text) { return text ? text_value(*text) : Value(); };
  std::vector<Value> indices;
  for (const std::size_t index : shots.indices) indices.push_back(count_value(index));
  return Value::dict({{"sampler", text_value(shots.sampler)},
                      {"split", optional(shots.split)},
                      {"process_docs", shots.process_docs},
                      {"fewshot_indices", indices.empty() ? Value() : Value::list(std::move(indices))},
                      {"samples", shots.samples ? Value::list(*shots.samples) : Value()},
                      {"doc_to_text", own(shots.doc_to_text, config.doc_to_text)},
                      {"doc_to_choice", own(shots.doc_to_choice, config.doc_to_choice)},
                      {"doc_to_target", own(shots.doc_to_target, config.doc_to_target)},
                      {"gen_prefix", optional(shots.gen_prefix)},
                      {"fewshot_delimiter", text_value(shots.fewshot_delimiter)},
                      {"target_delimiter", text_value(shots.target_delimiter)}});
}

// The task file with what the harness fills in.
Value config_of(const TaskOutcome& outcome, const EvaluateOptions& options) {
  const tasks::TaskConfig& config = outcome.task->config();
  Value dumped = Value::dict({{"task", text_value(config.task)}});
  const auto& raw = config.raw.as_dict();
  for (const auto& [key, value] : raw.entries()) {
    const std::string& name = key.as_string();
    if (name == "task" || name == "include" || value.is_none()) continue;
    set(dumped, name, value);
  }
  const auto fallback = [&](std::string_view key, Value value) {
    if (dumped.as_dict().find(key) == nullptr) set(dumped, key, std::move(value));
  };
  fallback("unsafe_code", Value::boolean(config.unsafe_code));
  fallback("description", text_value(config.description));
  fallback("target_delimiter", text_value(config.target_delimiter));
  fallback("fewshot_delimiter", text_value(config.fewshot_delimiter));
  set(dumped, "fewshot_config", fewshot_config_of(config));
  set(dumped, "num_fewshot", Value::integer(outcome.num_fewshot));
  set(dumped, "output_type", text_value(std::string(tasks::output_type_name(config.output_type))));
  if (config.output_type == tasks::OutputType::kGenerateUntil) {
    Value generation = Value::dict();
    for (const Value& source : {config.generation_kwargs, options.prompts.generation}) {
      if (!source.is_dict()) continue;
      for (const auto& [key, value] : source.as_dict().entries()) set(generation, key.as_string(), value);
    }
    set(dumped, "generation_kwargs", generation);
  }
  fallback("repeats", Value::integer(config.repeats));
  fallback("should_decontaminate", Value::boolean(false));
  Value metadata = config.metadata.is_dict() ? Value::dict() : Value::dict({{"version", outcome.task->version()}});
  if (config.metadata.is_dict()) {
    for (const auto& [key, value] : config.metadata.as_dict().entries()) set(metadata, key.as_string(), value);
  }
  set(metadata, "config_source", text_value(config.file.string()));
  set(dumped, "metadata", metadata);
  return dumped;
}

/// The parts of the result that are sorted by name.
struct Sorted {
  std::map<std::string, Value> configs, versions, shots, higher;
};

Value group_version(const tasks::Group& group) {
  const Value* version = group.metadata.is_dict() ? group.metadata.as_dict().find("version") : nullptr;
  return text_value(version == nullptr ? "N/A" : python_text(*version));
}

// What the group's direct children agree on.
void inherit(const tasks::Group& group, Sorted& sorted) {
  std::vector<std::int64_t> shots;
  Value higher = Value::dict();
  for (const std::string& child : group.children) {
    if (const auto found = sorted.shots.find(child); found != sorted.shots.end())
      shots.push_back(found->second.as_int());
    const auto found = sorted.higher.find(child);
    if (found == sorted.higher.end()) continue;
    for (const auto& [key, value] : found->second.as_dict().entries()) {
      const Value* known = higher.as_dict().find(key.as_string());
      if (known == nullptr) {
        set(higher, key.as_string(), value);
      } else if (!known->is_none() && known->as_bool() != value.as_bool()) {
        set(higher, key.as_string(), Value());
      }
    }
  }
  if (!shots.empty() && std::ranges::count(shots, shots.front()) == static_cast<std::ptrdiff_t>(shots.size())) {
    sorted.shots[group.name] = Value::integer(shots.front());
  }
  if (higher.as_dict().size() > 0) sorted.higher[group.name] = higher;
}

void add_groups(const tasks::Group& group, const Evaluation& evaluation, Value& results, Value& groups, Value& subtasks,
                Sorted& sorted) {
  for (const tasks::Group& child : group.groups) add_groups(child, evaluation, results, groups, subtasks, sorted);
  std::vector<Value> children;
  for (const std::string& child : group.children) children.push_back(text_value(child));
  set(subtasks, group.name, Value::list(std::move(children)));
  inherit(group, sorted);
  sorted.versions[group.name] = group_version(group);
  const auto score = std::ranges::find(evaluation.groups, group.name, &tasks::GroupScore::name);
  if (score == evaluation.groups.end()) return;
  const Value entry = group_entry(group, *score);
  set(results, group.name, entry);
  if (!group.metrics.empty()) set(groups, group.name, entry);
}

Value token_pair(const BackendFacts::Token& token) {
  if (!token) return Value::list({Value(), text_value("None")});
  return Value::list({text_value(token->first), text_value(std::to_string(token->second))});
}

std::string task_hash(const TaskOutcome& outcome) {
  std::string all;
  for (const tasks::SampleScore& sample : outcome.score.samples) {
    const SampleHashes hashes = sample_hashes(outcome, sample);
    all += hashes.document + hashes.prompt + hashes.target;
  }
  return sha256(all);
}

std::string sanitized_name(const std::string& name) {
  constexpr std::string_view kReplaced = "\"<>:/|\\?*[]";
  std::string result;
  bool replacing = false;
  for (const char c : name) {
    const bool replaced = kReplaced.find(c) != std::string_view::npos;
    if (!replaced) result += c;
    if (replaced && !replacing) result += "__";
    replacing = replaced;
  }
  return result;
}

Value run_config(const HarnessRun& run) {
  const EvaluateOptions& options = run.options;
  const auto& seeds = run.seeds.items();
  Value limit;
  if (options.prompts.limit) limit = Value::real(*options.prompts.limit);
  return Value::dict({{"model", text_value("cambium")},
                      {"model_args", Value::dict({{"pretrained", text_value(run.facts.label)},
                                                  {"dtype", text_value(run.facts.dtype)}})},
                      {"model_num_parameters", Value::integer(static_cast<std::int64_t>(run.facts.parameters))},
                      {"model_dtype", text_value("torch." + run.facts.dtype)},
                      {"model_revision", text_value("main")},
                      {"model_sha", text_value(run.facts.fingerprint)},
                      {"batch_size", text_value(run.batch_size)},
                      {"batch_sizes", Value::list({})},
                      {"device", text_value(run.device)},
                      {"use_cache", Value()},
                      {"limit", limit},
                      {"bootstrap_iters", count_value(options.scores.bootstrap_draws)},
                      {"gen_kwargs", options.prompts.generation.is_none() ? Value::dict() : options.prompts.generation},
                      {"random_seed", seeds[0]},
                      {"numpy_seed", seeds[1]},
                      {"torch_seed", seeds[2]},
                      {"fewshot_seed", seeds[3]}});
}

}  // namespace

Value harness_results(const HarnessRun& run, bool with_hashes) {
  Value results = Value::dict(), groups = Value::dict(), subtasks = Value::dict(), samples = Value::dict();
  Value hashes = Value::dict();
  Sorted sorted;
  for (const TaskOutcome& outcome : run.evaluation.tasks) {
    if (!outcome.error.empty()) continue;
    const std::string& name = outcome.task->name();
    set(results, name, task_entry(outcome));
    sorted.configs[name] = config_of(outcome, run.options);
    sorted.versions[name] = outcome.task->version();
    sorted.shots[name] = Value::integer(outcome.num_fewshot);
    Value higher = Value::dict();
    for (const tasks::MetricResult& metric : outcome.score.metrics) {
      set(higher, metric.metric, Value::boolean(metric.higher_is_better));
    }
    sorted.higher[name] = higher;
    set(samples, name,
        Value::dict({{"original", count_value(outcome.task->documents().size())},
                     {"effective", count_value(outcome.score.documents)}}));
    if (with_hashes) set(hashes, name, text_value(task_hash(outcome)));
  }
  for (const tasks::Group& group : run.tasks.groups) {
    add_groups(group, run.evaluation, results, groups, subtasks, sorted);
  }
  Value all = Value::dict({{"results", results}});
  if (groups.as_dict().size() > 0) set(all, "groups", groups);
  set(all, "group_subtasks", subtasks);
  set(all, "configs", sorted_dict(sorted.configs));
  set(all, "versions", sorted_dict(sorted.versions));
  set(all, "n-shot", sorted_dict(sorted.shots));
  set(all, "higher_is_better", sorted_dict(sorted.higher));
  set(all, "n-samples", samples);
  set(all, "config", run_config(run));
  set(all, "git_hash", Value());
  set(all, "date", Value::real(run.date));
  set(all, "cambium_version", text_value(run.options.version));
  set(all, "cambium_work",
      Value::dict({{"questions", count_value(run.evaluation.questions)},
                   {"computed_questions", count_value(run.evaluation.computed)},
                   {"prompt_tokens", count_value(run.work.prompt_tokens)},
                   {"computed_tokens", count_value(run.work.computed_tokens)},
                   {"answer_tokens", count_value(run.work.answer_tokens)},
                   {"generated_tokens", count_value(run.work.generated_tokens)}}));
  set(all, "tokenizer_pad_token", token_pair(run.facts.pad));
  set(all, "tokenizer_eos_token", token_pair(run.facts.eos));
  set(all, "tokenizer_bos_token", token_pair(run.facts.bos));
  set(all, "eot_token_id", run.facts.eos ? Value::integer(run.facts.eos->second) : Value());
  set(all, "max_length", count_value(run.facts.max_length));
  set(all, "task_hashes", hashes);
  set(all, "model_source", text_value("cambium"));
  set(all, "model_name", text_value(run.facts.label));
  set(all, "model_name_sanitized", text_value(sanitized_name(run.facts.label)));
  const std::string& system = run.options.prompts.system_instruction;
  set(all, "system_instruction", system.empty() ? Value() : text_value(system));
  set(all, "system_instruction_sha", system.empty() ? Value() : text_value(sha256(system)));
  set(all, "fewshot_as_multiturn", Value::boolean(run.options.prompts.fewshot_as_multiturn));
  const bool chat = run.has_chat_template;
  set(all, "chat_template", chat ? text_value(run.options.chat_template) : Value());
  set(all, "chat_template_sha", chat ? text_value(sha256(run.options.chat_template)) : Value());
  set(all, "total_evaluation_time_seconds", text_value(python_text(Value::real(run.evaluation.seconds))));
  if (!run.errors.empty()) {
    std::vector<Value> errors;
    for (const std::string& error : run.errors) errors.push_back(text_value(error));
    set(all, "errors", Value::list(std::move(errors)));
  }
  return all;
}

}  // namespace cambium::eval
