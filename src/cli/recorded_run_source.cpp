#include "cli/recorded_run_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "eval/store/store_reader.h"
#include "tasks/comparison/harness_folder.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::cli {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

std::string plain_text(const Value& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_none()) return {};
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_json(value, {}, budget);
}

tasks::RecordedSample sample_of(const eval::StoredSample& stored, const std::string& where) {
  tasks::RecordedSample sample;
  sample.number = stored.document;
  sample.document = jinja::from_json(stored.content, where);
  sample.target = plain_text(jinja::from_json(stored.target, where));
  for (const eval::StoredRequest& request : stored.requests) {
    tasks::ModelAnswer answer;
    answer.prompt = request.prompt;
    answer.continuation = request.continuation;
    if (!request.responses.empty()) {
      answer.log_likelihood = request.responses.front().log_likelihood;
      answer.text = request.responses.front().text;
      answer.tokens = request.generation.empty() ? 0 : request.responses.front().tokens;
    }
    sample.answers.push_back(std::move(answer));
  }
  for (const auto& [filter, answers] : stored.answers) {
    const Value list = jinja::from_json(answers, where);
    if (list.is_sequence() && !list.items().empty()) sample.filtered[filter] = plain_text(list.items().front());
  }
  for (const eval::StoredScore& score : stored.scores) {
    Value value = jinja::from_json(score.content, where);
    if (!value.is_none()) sample.scores.push_back({score.filter, score.metric, std::move(value)});
  }
  return sample;
}

const Value* member(const Value& object, std::string_view key) {
  return object.is_dict() ? object.as_dict().find(key) : nullptr;
}

// Names in the order of a list in the task's file: metrics, filters.
std::vector<std::string> names_in(const Value& config, std::string_view list, std::string_view key) {
  std::vector<std::string> names;
  const Value* entries = member(config, list);
  if (entries == nullptr || !entries->is_sequence()) return names;
  for (const Value& entry : entries->items()) {
    if (const Value* name = member(entry, key); name != nullptr && name->is_string())
      names.push_back(name->as_string());
  }
  return names;
}

// A store has scores by name; the first metric of the task's file is the one that counts most.
void order_scores(tasks::RecordedSample& sample, const Value& config) {
  const std::vector<std::string> filters = names_in(config, "filter_list", "name");
  const std::vector<std::string> metrics = names_in(config, "metric_list", "metric");
  const auto place = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) - names.begin();
  };
  std::ranges::stable_sort(sample.scores, {}, [&](const tasks::RecordedScore& score) {
    return std::pair(place(filters, score.filter), place(metrics, score.metric));
  });
}

tasks::RecordedRun stored_run(const fs::path& file, std::string_view name) {
  const eval::StoreReader store(file);
  const std::vector<eval::StoredRun> runs = store.runs();
  if (name.empty() && runs.size() != 1) {
    std::string names;
    for (const eval::StoredRun& run : runs) {
      // A name stands for the latest of its runs; the others have numbers.
      const bool superseded = std::ranges::any_of(
          runs, [&](const eval::StoredRun& other) { return other.name == run.name && other.id > run.id; });
      names += fmt::format("{}{}:{}", names.empty() ? "" : ", ", file.string(),
                           superseded ? fmt::format("{} ('{}')", run.id, run.name) : run.name);
    }
    throw UsageError(
        fmt::format("{}: holds {} runs; say which{}{}", file.string(), runs.size(), runs.empty() ? "" : ": ", names));
  }
  const eval::StoredRun chosen = name.empty() ? runs.front() : store.find(name);
  tasks::RecordedRun run;
  run.label = chosen.name;
  run.groups = store.groups(chosen.id);
  const std::vector<eval::StoredMetric> metrics = store.metrics(chosen.id);
  for (const eval::StoredTask& stored : store.tasks(chosen.id)) {
    const std::string where = fmt::format("{}: run '{}', task '{}'", file.string(), chosen.name, stored.name);
    if (stored.state != "done") {
      throw ValueError(fmt::format("{} is {}{}; run the evaluation again to complete it", where,
                                   stored.state == "open" ? "not finished" : "failed",
                                   stored.message.empty() ? "" : " (" + stored.message + ")"));
    }
    tasks::RecordedTask task;
    task.name = stored.name;
    task.num_fewshot = stored.num_fewshot;
    const Value config = jinja::from_json(stored.config, where);
    if (const Value* metadata = member(config, "metadata")) {
      if (const Value* cluster = member(*metadata, "cluster"); cluster != nullptr && cluster->is_string())
        task.cluster_field = cluster->as_string();
    }
    if (const Value* generation = member(config, "generation_kwargs")) {
      const Value* most = member(*generation, "max_gen_toks");
      if (most != nullptr && most->is_integral()) task.max_new_tokens = static_cast<std::size_t>(most->as_int());
    }
    for (const eval::StoredMetric& metric : metrics) {
      if (!metric.is_group && metric.name == stored.name)
        task.higher_is_better[metric.metric] = metric.higher_is_better;
    }
    for (const eval::StoredSample& sample : store.samples(chosen.id, stored.name)) {
      task.samples.push_back(sample_of(sample, where));
      order_scores(task.samples.back(), config);
    }
    run.tasks.push_back(std::move(task));
  }
  return run;
}

bool is_store(const fs::path& path) {
  return fs::is_regular_file(path) && !path.filename().string().starts_with("samples_");
}

}  // namespace

tasks::RecordedRun open_recorded_run(const std::string& run, const std::string& store) {
  if (fs::is_directory(run) || (fs::exists(run) && !is_store(run))) return tasks::read_harness_folder(run);
  if (is_store(run)) return stored_run(run, "");
  const std::size_t colon = run.rfind(':');
  if (colon != std::string::npos && is_store(run.substr(0, colon)))
    return stored_run(run.substr(0, colon), std::string_view(run).substr(colon + 1));
  if (!store.empty()) return stored_run(store, run);
  throw UsageError(fmt::format("'{}' is no folder and no store; a RUN is {}", run, kRunHelp));
}

std::pair<tasks::RecordedRun, tasks::RecordedRun> open_recorded_runs(const std::string& first,
                                                                     const std::string& second,
                                                                     const std::string& store) {
  std::pair runs(open_recorded_run(first, store), open_recorded_run(second, store));
  if (runs.first.label == runs.second.label) {
    runs.first.label += fmt::format(" ({})", first);
    runs.second.label += fmt::format(" ({})", second);
  }
  return runs;
}

}  // namespace cambium::cli
