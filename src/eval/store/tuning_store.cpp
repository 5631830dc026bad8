#include "eval/store/tuning_store.h"

#include <chrono>
#include <cmath>

#include "eval/store/schema.h"

namespace cambium::eval {

namespace {

constexpr double kTuningWriteSeconds = 1.0;
constexpr const char* kBeginning = "beginning a tuning run";
constexpr const char* kWriting = "writing a tuning run";

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

TuningStore::TuningStore(const std::filesystem::path& file, const NewTuning& run, std::int64_t kept_step)
    : database_(file, Database::Mode::kReadWrite) {
  migrate(database_);
  Transaction transaction(database_, kBeginning);
  database_
      .prepare(
          "INSERT INTO tuning (name, output, model, config, config_hash, seed, version, started) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) "
          "ON CONFLICT (config_hash, output) DO UPDATE SET finished = NULL, end = NULL, version = excluded.version",
          kBeginning)
      .bind(0, run.name)
      .bind(1, run.output)
      .bind(2, run.model)
      .bind(3, run.config)
      .bind(4, run.config_hash)
      // SQLite's integers have a sign.
      .bind(5, static_cast<std::int64_t>(run.seed))
      .bind(6, run.version)
      .run();
  Statement find = database_.prepare("SELECT id FROM tuning WHERE config_hash = ? AND output = ?", kBeginning);
  find.bind(0, run.config_hash).bind(1, run.output);
  if (!find.step()) database_.fail(1, kBeginning);
  id_ = find.integer(0);
  find.reset();
  database_.prepare("DELETE FROM tuning_metric WHERE tuning_id = ? AND step > ?", kBeginning)
      .bind(0, id_)
      .bind(1, kept_step)
      .run();
  transaction.commit();
  last_write_ = steady_seconds();
}

void TuningStore::add(std::int64_t step, std::string_view name, double value) {
  waiting_.push_back({step, std::string(name), value});
  if (steady_seconds() - last_write_ >= kTuningWriteSeconds) flush();
}

void TuningStore::flush() {
  if (waiting_.empty()) return;
  Transaction transaction(database_, kWriting);
  Statement insert = database_.prepare(
      "INSERT INTO tuning_metric (tuning_id, step, name, value) VALUES (?, ?, ?, ?) "
      "ON CONFLICT (tuning_id, name, step) DO UPDATE SET value = excluded.value",
      kWriting);
  for (const Waiting& one : waiting_) {
    insert.bind(0, id_).bind(1, one.step).bind(2, one.name);
    std::isfinite(one.value) ? insert.bind(3, one.value) : insert.bind_null(3);
    insert.run();
  }
  transaction.commit();
  waiting_.clear();
  last_write_ = steady_seconds();
}

void TuningStore::finish(std::string_view end, double seconds) {
  flush();
  database_
      .prepare("UPDATE tuning SET finished = strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), end = ?, seconds = ? WHERE id = ?",
               kWriting)
      .bind(0, end)
      .bind(1, seconds)
      .bind(2, id_)
      .run();
}

}  // namespace cambium::eval
