#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tasks/answer_kind.h"
#include "tasks/comparison/sample_pairing.h"

namespace cambium::tasks {

struct FlippedAnswersOptions {
  std::vector<std::string> tasks = {};  ///< empty: all
  std::string metric = {};              ///< empty: each task's first that is right or wrong
  std::string filter = {};              ///< empty: the metric's first; for exact_match the last (GSM8K's flexible one)
  PairingOptions pairing = {};
};

/// A sample that one run has right and the other wrong.
struct FlippedAnswer {
  std::size_t document = 0;
  bool won = false;      ///< wrong in the first run, right in the second; else lost
  std::string question;  ///< the prompt's last part, without examples
  std::string target;
  std::string first_answer;  ///< as generated, or the chosen option
  std::string second_answer;
  std::string first_extracted;  ///< what the filter took out of it; empty for options
  std::string second_extracted;
  AnswerFinding finding;  ///< about the wrong one of the two
};

/// How often wrong answers are of a kind, under both runs.
struct KindCount {
  AnswerKind kind = AnswerKind::kReasoning;
  std::uint64_t first = 0;  ///< wrong answers of this kind in the first run
  std::uint64_t second = 0;
  double p_value = 1;  ///< McNemar's exact test over the samples: wrong in this way under the one but not the other
  double p_holm = 1;   ///< over the kinds
};

struct TaskFlips {
  std::string task;
  std::string metric;
  std::string filter;
  std::size_t n = 0;
  std::uint64_t both_right = 0;
  std::uint64_t both_wrong = 0;
  std::uint64_t lost = 0;            ///< right -> wrong
  std::uint64_t won = 0;             ///< wrong -> right
  double p_value = 1;                ///< McNemar's exact test of lost against won
  std::vector<KindCount> kinds;      ///< of all wrong answers, in the order of AnswerKind; those that occur
  std::vector<FlippedAnswer> flips;  ///< lost ones first, by document
};

struct FlippedAnswers {
  std::string first;
  std::string second;
  std::vector<TaskFlips> tasks;
  std::vector<std::string> notes;
};

/// Lists the samples that changed sides between two runs and sorts the wrong answers into kinds (answer_kind.h).
/// A score counts as right if it is 1, as wrong if it is 0; tasks without such a metric are left out with a note.
/// @throws as pair_tasks, pair_samples; UsageError  no task has the metric
[[nodiscard]] FlippedAnswers flipped_answers(const RecordedRun& first, const RecordedRun& second,
                                             const FlippedAnswersOptions& options);

}  // namespace cambium::tasks
