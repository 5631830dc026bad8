#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cambium::eval {

/// One evaluation of one model, as a store has it.
struct StoredRun {
  std::int64_t id = 0;
  std::string name;   ///< as given by --run_name, else the model's label
  std::string model;  ///< as the run named it
  std::string model_fingerprint;
  std::string options;   ///< JSON object: what was asked for
  std::string version;   ///< of the program
  std::string started;   ///< UTC, "2026-11-22T06:36:01Z"
  std::string finished;  ///< empty: not yet (interrupted, or still going)
  double seconds = 0;    ///< of computing, over all times it was resumed
};

/// One task of a run.
struct StoredTask {
  std::int64_t id = 0;
  std::string name;
  std::string version;
  std::string fingerprint;  ///< equal for two runs exactly if file, data and prompt options are equal
  std::string output_type;  ///< "multiple_choice", ...
  std::string config;       ///< JSON object: the task file with its defaults
  int num_fewshot = 0;
  std::string state;    ///< "open", "done" or "failed"
  std::string message;  ///< why it failed
  std::size_t samples = 0;
};

/// Groups of a run: each group's tasks and groups, in their order.
using StoredGroups = std::map<std::string, std::vector<std::string>>;

/// A number over all samples of a task or group.
struct StoredMetric {
  std::string name;  ///< of the task or group
  bool is_group = false;
  std::string metric;
  std::string filter;
  double value = 0;  ///< not-a-number where there is none
  std::optional<double> standard_error;
  std::size_t count = 0;
  bool higher_is_better = true;
};

/// One answer of the model to one request.
struct StoredResponse {
  double log_likelihood = 0;  ///< 0 for a generation
  bool greedy = false;
  std::string text;        ///< of a generation
  std::size_t tokens = 0;  ///< scored or generated
};

/// What the model was asked about one sample; a multiple-choice sample has one for each option.
struct StoredRequest {
  std::string kind;  ///< "loglikelihood", "loglikelihood_rolling" or "generate_until"
  std::string prompt;
  std::string continuation;               ///< empty for a generation
  std::string generation;                 ///< JSON: its arguments; empty if it is none
  std::string media;                      ///< JSON: pictures, sounds and clips; empty: none
  std::vector<StoredResponse> responses;  ///< one a repeat
};

/// A sample's value of one metric behind one filter.
struct StoredScore {
  std::string filter;
  std::string metric;
  std::optional<double> value;  ///< where the value is one number (or true/false)
  std::string content;          ///< the value as JSON: [gold, predicted] of f1, say
};

/// One document of a task with everything that a run has to say about it.
struct StoredSample {
  std::size_t document = 0;  ///< its number in the task's data: pairs the samples of two runs
  std::string content;       ///< JSON: the document
  std::string target;        ///< JSON: what doc_to_target gives
  std::vector<StoredRequest> requests;
  std::vector<std::pair<std::string, std::string>> answers;  ///< filter name, JSON list: each request's filtered answer
  std::vector<StoredScore> scores;
  /// The number of a metric behind a filter. @param filter  empty: the first filter that has the metric
  [[nodiscard]] std::optional<double> score(const std::string& metric, const std::string& filter = {}) const;
};

}  // namespace cambium::eval
