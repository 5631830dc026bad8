#include "eval/store/schema.h"

#include <fmt/format.h>

#include <array>

#include "tensor/error.h"

namespace cambium::eval {

namespace {

// "CAMB": tells a store from any other SQLite file.
constexpr std::int64_t kApplicationId = 0x43414D42;

// Step i brings version i to version i + 1. Steps are never changed, only added.
constexpr std::array<const char*, kSchemaVersion> kSteps{
    R"sql(
CREATE TABLE model (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  label TEXT NOT NULL,
  facts TEXT NOT NULL
);
CREATE TABLE run (
  id INTEGER PRIMARY KEY,
  identity TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  model_id INTEGER NOT NULL REFERENCES model (id),
  options TEXT NOT NULL,
  version TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  seconds REAL NOT NULL DEFAULT 0
);
CREATE TABLE task (
  id INTEGER PRIMARY KEY,
  fingerprint TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  output_type TEXT NOT NULL,
  num_fewshot INTEGER NOT NULL,
  config TEXT NOT NULL
);
CREATE TABLE run_task (
  run_id INTEGER NOT NULL REFERENCES run (id),
  task_id INTEGER NOT NULL REFERENCES task (id),
  place INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'done', 'failed')),
  message TEXT,
  samples INTEGER NOT NULL,
  seconds REAL NOT NULL DEFAULT 0,
  PRIMARY KEY (run_id, task_id)
) WITHOUT ROWID;
CREATE TABLE sample (
  id INTEGER PRIMARY KEY,
  task_id INTEGER NOT NULL REFERENCES task (id),
  document INTEGER NOT NULL,
  content TEXT NOT NULL,
  target TEXT NOT NULL,
  UNIQUE (task_id, document)
);
CREATE TABLE prompt (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  content TEXT NOT NULL
);
CREATE TABLE request (
  run_id INTEGER NOT NULL REFERENCES run (id),
  sample_id INTEGER NOT NULL REFERENCES sample (id),
  number INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('loglikelihood', 'loglikelihood_rolling', 'generate_until')),
  prompt_id INTEGER NOT NULL REFERENCES prompt (id),
  continuation TEXT NOT NULL,
  generation TEXT,
  media TEXT,
  repeats INTEGER NOT NULL,
  key TEXT NOT NULL,
  PRIMARY KEY (run_id, sample_id, number)
) WITHOUT ROWID;
CREATE TABLE response (
  id INTEGER PRIMARY KEY,
  model_id INTEGER NOT NULL REFERENCES model (id),
  key TEXT NOT NULL,
  repeat INTEGER NOT NULL,
  log_likelihood REAL,
  greedy INTEGER,
  text TEXT,
  tokens INTEGER NOT NULL,
  answered TEXT NOT NULL,
  UNIQUE (model_id, key, repeat)
);
CREATE TABLE answer (
  run_id INTEGER NOT NULL REFERENCES run (id),
  sample_id INTEGER NOT NULL REFERENCES sample (id),
  filter TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (run_id, sample_id, filter)
) WITHOUT ROWID;
CREATE TABLE score (
  run_id INTEGER NOT NULL REFERENCES run (id),
  sample_id INTEGER NOT NULL REFERENCES sample (id),
  filter TEXT NOT NULL,
  metric TEXT NOT NULL,
  value REAL,
  content TEXT NOT NULL,
  PRIMARY KEY (run_id, sample_id, filter, metric)
) WITHOUT ROWID;
CREATE TABLE metric (
  run_id INTEGER NOT NULL REFERENCES run (id),
  name TEXT NOT NULL,
  filter TEXT NOT NULL,
  metric TEXT NOT NULL,
  value REAL,
  standard_error REAL,
  count INTEGER NOT NULL,
  higher_is_better INTEGER NOT NULL,
  is_group INTEGER NOT NULL,
  PRIMARY KEY (run_id, name, filter, metric)
) WITHOUT ROWID;
CREATE INDEX sample_of_request ON request (sample_id);
)sql",
    // A model's content may have several names; what stands in a group is known without the task files.
    R"sql(
ALTER TABLE run ADD COLUMN model_label TEXT NOT NULL DEFAULT '';
UPDATE run SET model_label = (SELECT label FROM model WHERE model.id = run.model_id);
CREATE TABLE group_member (
  run_id INTEGER NOT NULL REFERENCES run (id),
  name TEXT NOT NULL,
  place INTEGER NOT NULL,
  member TEXT NOT NULL,
  PRIMARY KEY (run_id, name, place)
) WITHOUT ROWID;
)sql",
    // Tuning runs and their numbers.
    R"sql(
CREATE TABLE tuning (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  output TEXT NOT NULL,
  model TEXT NOT NULL,
  config TEXT NOT NULL,
  config_hash TEXT NOT NULL,
  seed INTEGER NOT NULL,
  version TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  end TEXT,
  seconds REAL NOT NULL DEFAULT 0,
  UNIQUE (config_hash, output)
);
CREATE TABLE tuning_metric (
  tuning_id INTEGER NOT NULL REFERENCES tuning (id),
  name TEXT NOT NULL,
  step INTEGER NOT NULL,
  value REAL,
  PRIMARY KEY (tuning_id, name, step)
) WITHOUT ROWID;
)sql",
};

std::int64_t pragma(Database& database, const char* sql) {
  Statement statement = database.prepare(sql, "opening it");
  return statement.step() ? statement.integer(0) : 0;
}

std::int64_t version_of(Database& database) {
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  const bool has_tables = pragma(database, "SELECT count(*) FROM sqlite_master") > 0;
  if (has_tables && pragma(database, "PRAGMA application_id") != kApplicationId) {
    throw SystemError(
        fmt::format("{}: this SQLite file is no store of evaluations (its application_id is not {}); "
                    "name another file with --store",
                    database.file().string(), kApplicationId));
  }
  if (version > kSchemaVersion) {
    throw SystemError(
        fmt::format("{}: the store has version {}, this program knows versions up to {}; it is left as it is. Use the "
                    "newer program that wrote it, or name another file with --store",
                    database.file().string(), version, kSchemaVersion));
  }
  return version;
}

}  // namespace

void migrate(Database& database) {
  if (version_of(database) == kSchemaVersion) return;
  Transaction transaction(database, "making its tables");
  // Another process may have been faster.
  for (std::int64_t version = version_of(database); version < kSchemaVersion; ++version) {
    database.execute(kSteps[static_cast<std::size_t>(version)], "making its tables");
  }
  database.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {};", kApplicationId, kSchemaVersion).c_str(),
      "making its tables");
  transaction.commit();
}

int readable_version(Database& database) {
  const std::int64_t version = version_of(database);
  if (version == 0) {
    throw SystemError(fmt::format("{}: this file is no store of evaluations", database.file().string()));
  }
  return static_cast<int>(version);
}

}  // namespace cambium::eval
