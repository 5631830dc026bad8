#include "eval/store/store_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "eval/store/schema.h"
#include "tensor/error.h"

namespace cambium::eval {

namespace {

constexpr const char* kReading = "reading it";

// Version 1 knew a model by the first name it was given.
constexpr const char* kRuns =
    "SELECT run.id, run.name, {}, model.fingerprint, run.options, run.version, run.started, run.finished, "
    "run.seconds FROM run JOIN model ON model.id = run.model_id ORDER BY run.id";

std::filesystem::path existing(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) {
    throw SystemError(fmt::format("{}: there is no such file; `cambium eval --store` makes one", file.string()));
  }
  return file;
}

StoredSample& sample_of(std::vector<StoredSample>& samples, std::size_t document) {
  const auto place = std::ranges::lower_bound(samples, document, {}, &StoredSample::document);
  return *place;
}

}  // namespace

std::optional<double> StoredSample::score(const std::string& metric, const std::string& filter) const {
  for (const StoredScore& one : scores) {
    if (one.metric == metric && (filter.empty() || one.filter == filter)) return one.value;
  }
  return std::nullopt;
}

StoreReader::StoreReader(const std::filesystem::path& file)
    : database_(existing(file), Database::Mode::kReadOnly), version_(readable_version(database_)) {}

std::vector<StoredRun> StoreReader::runs() const {
  std::vector<StoredRun> runs;
  const std::string sql = fmt::format(kRuns, version_ == 1 ? "model.label" : "run.model_label");
  Statement select = database_.prepare(sql.c_str(), kReading);
  while (select.step()) {
    runs.push_back({.id = select.integer(0),
                    .name = select.text(1),
                    .model = select.text(2),
                    .model_fingerprint = select.text(3),
                    .options = select.text(4),
                    .version = select.text(5),
                    .started = select.text(6),
                    .finished = select.text(7),
                    .seconds = select.real(8)});
  }
  return runs;
}

StoredRun StoreReader::find(std::string_view run) const {
  const std::vector<StoredRun> all = runs();
  const auto named = std::find_if(all.rbegin(), all.rend(), [&](const StoredRun& one) { return one.name == run; });
  if (named != all.rend()) return *named;
  const auto numbered = std::ranges::find_if(all, [&](const StoredRun& one) { return std::to_string(one.id) == run; });
  if (numbered != all.end()) return *numbered;
  std::string known;
  for (const StoredRun& one : all) known += fmt::format("{}{} ('{}')", known.empty() ? "" : ", ", one.id, one.name);
  throw UsageError(fmt::format("{}: there is no run '{}'; there {}", database_.file().string(), run,
                               all.empty() ? "are none" : "are " + known));
}

StoredGroups StoreReader::groups(std::int64_t run) const {
  StoredGroups groups;
  if (version_ == 1) return groups;
  Statement select =
      database_.prepare("SELECT name, member FROM group_member WHERE run_id = ? ORDER BY name, place", kReading);
  select.bind(0, run);
  while (select.step()) groups[select.text(0)].push_back(select.text(1));
  return groups;
}

std::vector<StoredTask> StoreReader::tasks(std::int64_t run) const {
  std::vector<StoredTask> tasks;
  Statement select = database_.prepare(
      "SELECT task.id, task.name, task.version, task.fingerprint, task.output_type, task.config, task.num_fewshot, "
      "run_task.state, run_task.message, run_task.samples FROM run_task JOIN task ON task.id = run_task.task_id "
      "WHERE run_task.run_id = ? ORDER BY run_task.place",
      kReading);
  select.bind(0, run);
  while (select.step()) {
    tasks.push_back({.id = select.integer(0),
                     .name = select.text(1),
                     .version = select.text(2),
                     .fingerprint = select.text(3),
                     .output_type = select.text(4),
                     .config = select.text(5),
                     .num_fewshot = static_cast<int>(select.integer(6)),
                     .state = select.text(7),
                     .message = select.text(8),
                     .samples = static_cast<std::size_t>(select.integer(9))});
  }
  return tasks;
}

std::vector<StoredMetric> StoreReader::metrics(std::int64_t run, std::string_view name) const {
  std::vector<StoredMetric> metrics;
  Statement select = database_.prepare(
      "SELECT name, is_group, metric, filter, value, standard_error, count, higher_is_better FROM metric "
      "WHERE run_id = ?1 AND (?2 = '' OR name = ?2) ORDER BY is_group, name, filter, metric",
      kReading);
  select.bind(0, run).bind(1, name);
  while (select.step()) {
    StoredMetric metric{.name = select.text(0),
                        .is_group = select.integer(1) != 0,
                        .metric = select.text(2),
                        .filter = select.text(3),
                        .value = select.is_null(4) ? std::nan("") : select.real(4),
                        .standard_error = {},
                        .count = static_cast<std::size_t>(select.integer(6)),
                        .higher_is_better = select.integer(7) != 0};
    if (!select.is_null(5)) metric.standard_error = select.real(5);
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

std::vector<StoredSample> StoreReader::samples(std::int64_t run, std::string_view task) const {
  const std::vector<StoredTask> all = tasks(run);
  const auto found = std::ranges::find(all, task, &StoredTask::name);
  if (found == all.end()) {
    std::string known;
    for (const StoredTask& one : all) known += (known.empty() ? "" : ", ") + one.name;
    throw UsageError(
        fmt::format("{}: run {} has no task '{}'; its tasks are {}", database_.file().string(), run, task, known));
  }
  std::vector<StoredSample> samples;
  Statement select = database_.prepare(
      "SELECT document, content, target FROM sample WHERE task_id = ?2 AND id IN "
      "(SELECT sample_id FROM request WHERE run_id = ?1) ORDER BY document",
      kReading);
  select.bind(0, run).bind(1, found->id);
  while (select.step()) {
    samples.push_back({.document = static_cast<std::size_t>(select.integer(0)),
                       .content = select.text(1),
                       .target = select.text(2),
                       .requests = {},
                       .answers = {},
                       .scores = {}});
  }
  const auto document = [](const Statement& row) { return static_cast<std::size_t>(row.integer(0)); };

  Statement requests = database_.prepare(
      "SELECT sample.document, request.number, request.kind, prompt.content, request.continuation, request.generation, "
      "request.media, response.log_likelihood, response.greedy, response.text, response.tokens "
      "FROM request JOIN sample ON sample.id = request.sample_id JOIN prompt ON prompt.id = request.prompt_id "
      "JOIN run ON run.id = request.run_id "
      "LEFT JOIN response ON response.model_id = run.model_id AND response.key = request.key "
      "AND response.repeat < request.repeats "
      "WHERE request.run_id = ?1 AND sample.task_id = ?2 ORDER BY sample.document, request.number, response.repeat",
      kReading);
  requests.bind(0, run).bind(1, found->id);
  while (requests.step()) {
    StoredSample& sample = sample_of(samples, document(requests));
    if (sample.requests.size() <= static_cast<std::size_t>(requests.integer(1))) {
      sample.requests.push_back({.kind = requests.text(2),
                                 .prompt = requests.text(3),
                                 .continuation = requests.text(4),
                                 .generation = requests.text(5),
                                 .media = requests.text(6),
                                 .responses = {}});
    }
    if (requests.is_null(10)) continue;
    const bool is_unknown = requests.is_null(7) && requests.is_null(9);
    sample.requests.back().responses.push_back({.log_likelihood = is_unknown ? std::nan("") : requests.real(7),
                                                .greedy = requests.integer(8) != 0,
                                                .text = requests.text(9),
                                                .tokens = static_cast<std::size_t>(requests.integer(10))});
  }
  Statement answers = database_.prepare(
      "SELECT sample.document, answer.filter, answer.content FROM answer JOIN sample ON sample.id = answer.sample_id "
      "WHERE answer.run_id = ?1 AND sample.task_id = ?2",
      kReading);
  answers.bind(0, run).bind(1, found->id);
  while (answers.step()) sample_of(samples, document(answers)).answers.emplace_back(answers.text(1), answers.text(2));
  Statement scores = database_.prepare(
      "SELECT sample.document, score.filter, score.metric, score.value, score.content FROM score "
      "JOIN sample ON sample.id = score.sample_id WHERE score.run_id = ?1 AND sample.task_id = ?2",
      kReading);
  scores.bind(0, run).bind(1, found->id);
  while (scores.step()) {
    StoredScore score{.filter = scores.text(1), .metric = scores.text(2), .value = {}, .content = scores.text(4)};
    if (!scores.is_null(3)) score.value = scores.real(3);
    sample_of(samples, document(scores)).scores.push_back(std::move(score));
  }
  return samples;
}

}  // namespace cambium::eval
