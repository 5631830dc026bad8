#pragma once

#include <string>
#include <vector>

#include "eval/backend.h"
#include "eval/evaluate.h"
#include "tasks/task_index.h"
#include "text/jinja_value.h"

namespace cambium::eval {

/// What lm-evaluation-harness notes about a run besides its numbers.
struct HarnessRun {
  const Evaluation& evaluation;
  const tasks::TaskSet& tasks;
  const BackendFacts& facts;
  const EvaluateOptions& options;
  BackendWork work;
  bool has_chat_template = false;  ///< options.chat_template was applied
  std::string batch_size = "auto";
  std::string device = "cpu";
  text::jinja::Value seeds;         ///< a list: python, numpy, torch, few-shot
  double date = 0;                  ///< seconds since 1970
  std::vector<std::string> errors;  ///< of tasks that failed or could not be loaded
};

/// The content of lm-evaluation-harness 0.4.13's results_*.json: `results`, `groups`, `group_subtasks`, `configs`,
/// `versions`, `n-shot`, `higher_is_better`, `n-samples`, `config`, tokenizer facts, `task_hashes` and the rest;
/// besides `cambium_version` and, where tasks failed, `errors`.
/// @param with_hashes  samples are logged: task_hashes are computed
[[nodiscard]] text::jinja::Value harness_results(const HarnessRun& run, bool with_hashes);

/// The rows of samples_TASK_*.jsonl of one task, each a JSON object in one line.
[[nodiscard]] std::vector<std::string> harness_samples(const TaskOutcome& outcome);

}  // namespace cambium::eval
