#include "eval/store/store.h"

#include <chrono>
#include <cmath>
#include <ctime>

#include "checkpoint/content_hash.h"
#include "eval/store/schema.h"

namespace cambium::eval {

namespace {

// Responses wait this long to be written together.
constexpr double kWriteSeconds = 1.0;
constexpr std::size_t kWriteCount = 4096;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void bind_number(Statement& statement, int parameter, double value) {
  // SQLite knows no not-a-number.
  std::isnan(value) ? statement.bind_null(parameter) : statement.bind(parameter, value);
}

double number(const Statement& row, int column, bool is_there) {
  return is_there && row.is_null(column) ? std::nan("") : row.real(column);
}

}  // namespace

Store::Store(const std::filesystem::path& file) : database_(file, Database::Mode::kReadWrite) {
  migrate(database_);
  last_write_ = seconds_now();
}

std::int64_t Store::begin_run(const NewRun& run) {
  Transaction transaction(database_, "beginning a run");
  database_
      .prepare("INSERT INTO model (fingerprint, label, facts) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
               "beginning a run")
      .bind(0, run.model_fingerprint)
      .bind(1, run.model_label)
      .bind(2, run.model_facts)
      .run();
  database_
      .prepare(
          "INSERT INTO run (identity, name, model_id, options, version, started, model_label) "
          "SELECT ?, ?, id, ?, ?, ?, ? FROM model WHERE fingerprint = ? ON CONFLICT (identity) DO NOTHING",
          "beginning a run")
      .bind(0, run.identity)
      .bind(1, run.name)
      .bind(2, run.options)
      .bind(3, run.version)
      .bind(4, utc_now())
      .bind(5, run.model_label)
      .bind(6, run.model_fingerprint)
      .run();
  Statement find = database_.prepare("SELECT id, model_id FROM run WHERE identity = ?", "beginning a run");
  find.bind(0, run.identity);
  if (!find.step()) database_.fail(1, "beginning a run");
  const std::int64_t id = find.integer(0);
  models_[id] = find.integer(1);
  find.reset();
  transaction.commit();
  return id;
}

void Store::put_groups(std::int64_t run, const StoredGroups& groups) {
  Transaction transaction(database_, "writing groups");
  Statement insert = database_.prepare(
      "INSERT OR REPLACE INTO group_member (run_id, name, place, member) VALUES (?, ?, ?, ?)", "writing groups");
  for (const auto& [name, members] : groups) {
    for (std::size_t i = 0; i < members.size(); ++i) {
      insert.bind(0, run).bind(1, name).bind(2, static_cast<std::int64_t>(i)).bind(3, members[i]).run();
    }
  }
  transaction.commit();
}

std::int64_t Store::begin_task(std::int64_t run, std::size_t place, const NewTask& task) {
  Transaction transaction(database_, "beginning a task");
  database_
      .prepare(
          "INSERT INTO task (fingerprint, name, version, output_type, num_fewshot, config) "
          "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
          "beginning a task")
      .bind(0, task.fingerprint)
      .bind(1, task.name)
      .bind(2, task.version)
      .bind(3, task.output_type)
      .bind(4, std::int64_t{task.num_fewshot})
      .bind(5, task.config)
      .run();
  Statement find = database_.prepare("SELECT id FROM task WHERE fingerprint = ?", "beginning a task");
  find.bind(0, task.fingerprint);
  if (!find.step()) database_.fail(1, "beginning a task");
  const std::int64_t id = find.integer(0);
  find.reset();
  database_
      .prepare(
          "INSERT INTO run_task (run_id, task_id, place, state, samples) VALUES (?, ?, ?, 'open', ?) "
          "ON CONFLICT (run_id, task_id) DO UPDATE SET place = excluded.place, samples = excluded.samples",
          "beginning a task")
      .bind(0, run)
      .bind(1, id)
      .bind(2, static_cast<std::int64_t>(place))
      .bind(3, static_cast<std::int64_t>(task.samples))
      .run();
  transaction.commit();
  return id;
}

std::int64_t Store::model_of(std::int64_t run) const {
  if (const auto known = models_.find(run); known != models_.end()) return known->second;
  Statement find = database_.prepare("SELECT model_id FROM run WHERE id = ?", "looking for a run");
  find.bind(0, run);
  if (!find.step()) database_.fail(1, "looking for a run");
  return models_[run] = find.integer(0);
}

std::map<std::pair<std::string, int>, StoredResponse> Store::responses(std::int64_t run,
                                                                       std::span<const std::string> keys) const {
  const std::int64_t model = model_of(run);
  std::map<std::pair<std::string, int>, StoredResponse> found;
  Statement find = database_.prepare(
      "SELECT repeat, log_likelihood, greedy, text, tokens FROM response WHERE model_id = ? AND key = ?",
      "reading responses");
  for (const std::string& key : keys) {
    find.bind(0, model).bind(1, key);
    while (find.step()) {
      found[{key, static_cast<int>(find.integer(0))}] = {.log_likelihood = number(find, 1, find.is_null(3)),
                                                         .greedy = find.integer(2) != 0,
                                                         .text = find.text(3),
                                                         .tokens = static_cast<std::size_t>(find.integer(4))};
    }
  }
  return found;
}

void Store::add_response(std::int64_t run, std::string_view key, int repeat, const StoredResponse& response,
                         bool generated) {
  waiting_.push_back({model_of(run), std::string(key), repeat, response, generated});
  if (waiting_.size() >= kWriteCount || seconds_now() - last_write_ >= kWriteSeconds) flush();
}

void Store::flush() {
  if (waiting_.empty()) return;
  Transaction transaction(database_, "writing responses");
  const std::string now = utc_now();
  Statement insert = database_.prepare(
      "INSERT INTO response (model_id, key, repeat, log_likelihood, greedy, text, tokens, answered) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      "writing responses");
  for (const Waiting& one : waiting_) {
    insert.bind(0, one.model).bind(1, one.key).bind(2, std::int64_t{one.repeat});
    if (one.generated) {
      insert.bind_null(3).bind_null(4).bind(5, one.response.text);
    } else {
      bind_number(insert, 3, one.response.log_likelihood);
      insert.bind(4, std::int64_t{one.response.greedy}).bind_null(5);
    }
    insert.bind(6, static_cast<std::int64_t>(one.response.tokens)).bind(7, now);
    insert.run();
  }
  transaction.commit();
  waiting_.clear();
  last_write_ = seconds_now();
}

std::int64_t Store::prompt_id(std::string_view content) {
  const std::string hash = checkpoint::to_string(checkpoint::hash_text(content));
  database_.prepare("INSERT INTO prompt (hash, content) VALUES (?, ?) ON CONFLICT DO NOTHING", "writing prompts")
      .bind(0, hash)
      .bind(1, content)
      .run();
  Statement find = database_.prepare("SELECT id FROM prompt WHERE hash = ?", "writing prompts");
  find.bind(0, hash);
  if (!find.step()) database_.fail(1, "writing prompts");
  return find.integer(0);
}

std::int64_t Store::sample_id(std::int64_t task, const FinishedSample& sample) {
  const auto document = static_cast<std::int64_t>(sample.document);
  database_
      .prepare("INSERT INTO sample (task_id, document, content, target) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
               "writing samples")
      .bind(0, task)
      .bind(1, document)
      .bind(2, sample.content)
      .bind(3, sample.target)
      .run();
  Statement find = database_.prepare("SELECT id FROM sample WHERE task_id = ? AND document = ?", "writing samples");
  find.bind(0, task).bind(1, document);
  if (!find.step()) database_.fail(1, "writing samples");
  return find.integer(0);
}

void Store::write_metrics(std::int64_t run, std::span<const StoredMetric> metrics) {
  Statement insert = database_.prepare(
      "INSERT OR REPLACE INTO metric (run_id, name, filter, metric, value, standard_error, count, higher_is_better, "
      "is_group) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "writing metrics");
  for (const StoredMetric& metric : metrics) {
    insert.bind(0, run).bind(1, metric.name).bind(2, metric.filter).bind(3, metric.metric);
    bind_number(insert, 4, metric.value);
    bind_number(insert, 5, metric.standard_error.value_or(std::nan("")));
    insert.bind(6, static_cast<std::int64_t>(metric.count))
        .bind(7, std::int64_t{metric.higher_is_better})
        .bind(8, std::int64_t{metric.is_group});
    insert.run();
  }
}

void Store::finish_task(std::int64_t run, std::int64_t task, std::span<const FinishedSample> samples,
                        std::span<const StoredMetric> metrics, double seconds) {
  flush();
  Transaction transaction(database_, "writing a task's samples");
  for (const char* table : {"request", "answer", "score"}) {
    const std::string sql = std::string("DELETE FROM ") + table +
                            " WHERE run_id = ? AND sample_id IN (SELECT id FROM sample WHERE task_id = ?)";
    database_.prepare(sql.c_str(), "writing a task's samples").bind(0, run).bind(1, task).run();
  }
  Statement request = database_.prepare(
      "INSERT INTO request (run_id, sample_id, number, kind, prompt_id, continuation, generation, media, repeats, key) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      "writing requests");
  Statement answer = database_.prepare("INSERT INTO answer (run_id, sample_id, filter, content) VALUES (?, ?, ?, ?)",
                                       "writing answers");
  Statement score = database_.prepare(
      "INSERT INTO score (run_id, sample_id, filter, metric, value, content) VALUES (?, ?, ?, ?, ?, ?)",
      "writing scores");
  std::string_view last_prompt;
  std::int64_t last_prompt_id = 0;
  for (const FinishedSample& sample : samples) {
    const std::int64_t id = sample_id(task, sample);
    for (std::size_t i = 0; i < sample.requests.size(); ++i) {
      const FinishedRequest& one = sample.requests[i];
      // The options of a sample share their prompt.
      if (last_prompt_id == 0 || one.prompt != last_prompt) {
        last_prompt = one.prompt;
        last_prompt_id = prompt_id(one.prompt);
      }
      request.bind(0, run).bind(1, id).bind(2, static_cast<std::int64_t>(i)).bind(3, one.kind).bind(4, last_prompt_id);
      request.bind(5, one.continuation);
      one.generation.empty() ? request.bind_null(6) : request.bind(6, one.generation);
      one.media.empty() ? request.bind_null(7) : request.bind(7, one.media);
      request.bind(8, std::int64_t{one.repeats}).bind(9, one.key).run();
    }
    for (const auto& [filter, content] : sample.answers) {
      answer.bind(0, run).bind(1, id).bind(2, filter).bind(3, content).run();
    }
    for (const StoredScore& one : sample.scores) {
      score.bind(0, run).bind(1, id).bind(2, one.filter).bind(3, one.metric);
      bind_number(score, 4, one.value.value_or(std::nan("")));
      score.bind(5, one.content).run();
    }
  }
  write_metrics(run, metrics);
  database_
      .prepare(
          "UPDATE run_task SET state = 'done', message = NULL, seconds = seconds + ? WHERE run_id = ? AND "
          "task_id = ?",
          "writing a task's samples")
      .bind(0, seconds)
      .bind(1, run)
      .bind(2, task)
      .run();
  transaction.commit();
}

void Store::fail_task(std::int64_t run, std::int64_t task, std::string_view message) {
  flush();
  database_
      .prepare("UPDATE run_task SET state = 'failed', message = ? WHERE run_id = ? AND task_id = ?",
               "noting that a task failed")
      .bind(0, message)
      .bind(1, run)
      .bind(2, task)
      .run();
}

void Store::finish_run(std::int64_t run, std::span<const StoredMetric> group_metrics, double seconds) {
  flush();
  Transaction transaction(database_, "finishing a run");
  write_metrics(run, group_metrics);
  database_.prepare("UPDATE run SET finished = ?, seconds = seconds + ? WHERE id = ?", "finishing a run")
      .bind(0, utc_now())
      .bind(1, seconds)
      .bind(2, run)
      .run();
  transaction.commit();
}

}  // namespace cambium::eval
