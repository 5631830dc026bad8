#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "eval/store/database.h"
#include "eval/store/stored_run.h"

namespace cambium::eval {

/// A run as it is begun.
struct NewRun {
  std::string identity;  ///< a hash of its name, its options and everything that decides its results
  std::string name;
  std::string model_fingerprint;
  std::string model_label;
  std::string model_facts;  ///< JSON
  std::string options;      ///< JSON
  std::string version;
};

struct NewTask {
  std::string fingerprint;
  std::string name;
  std::string version;
  std::string output_type;
  std::string config;  ///< JSON
  int num_fewshot = 0;
  std::size_t samples = 0;
};

/// A request of a finished sample; its responses are in the store under its key.
struct FinishedRequest {
  std::string_view kind;
  std::string_view prompt;
  std::string_view continuation;
  std::string generation;  ///< JSON, or empty
  std::string media;       ///< JSON, or empty
  int repeats = 1;
  std::string_view key;
};

struct FinishedSample {
  std::size_t document = 0;
  std::string content;  ///< JSON
  std::string target;   ///< JSON
  std::vector<FinishedRequest> requests;
  std::vector<std::pair<std::string, std::string>> answers;  ///< filter, JSON
  std::vector<StoredScore> scores;
};

/// Writes evaluations into a SQLite file (docs/store.md). Responses are stored as they come, under a key that names
/// everything they depend on besides the model, so that none is computed twice, whatever run asks for it; a task's
/// samples and scores follow in one piece when it is done.
///
/// Every call throws SystemError; a full disk is said as such and leaves what was stored before.
class Store {
 public:
  /// @throws SystemError  not a store, or one of a newer version
  explicit Store(const std::filesystem::path& file);

  /// Begins a run, or goes on with the one that has the same identity.
  std::int64_t begin_run(const NewRun& run);
  /// Which tasks stand in which groups of the run.
  void put_groups(std::int64_t run, const StoredGroups& groups);
  /// @return the task's number
  std::int64_t begin_task(std::int64_t run, std::size_t place, const NewTask& task);
  /// Which of the keys have responses by the run's model: by key and repeat.
  [[nodiscard]] std::map<std::pair<std::string, int>, StoredResponse> responses(
      std::int64_t run, std::span<const std::string> keys) const;

  /// Responses are collected and written together, at the latest after a second (at the next call) or by flush().
  void add_response(std::int64_t run, std::string_view key, int repeat, const StoredResponse& response, bool generated);
  void flush();

  /// A task is done: its samples replace what was there.
  void finish_task(std::int64_t run, std::int64_t task, std::span<const FinishedSample> samples,
                   std::span<const StoredMetric> metrics, double seconds);
  void fail_task(std::int64_t run, std::int64_t task, std::string_view message);
  void finish_run(std::int64_t run, std::span<const StoredMetric> group_metrics, double seconds);

 private:
  struct Waiting {
    std::int64_t model;
    std::string key;
    int repeat;
    StoredResponse response;
    bool generated;
  };
  [[nodiscard]] std::int64_t model_of(std::int64_t run) const;
  std::int64_t prompt_id(std::string_view content);
  std::int64_t sample_id(std::int64_t task, const FinishedSample& sample);
  void write_metrics(std::int64_t run, std::span<const StoredMetric> metrics);

  mutable Database database_;
  mutable std::map<std::int64_t, std::int64_t> models_;  ///< of runs
  std::vector<Waiting> waiting_;
  double last_write_ = 0;
};

}  // namespace cambium::eval
