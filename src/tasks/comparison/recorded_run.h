#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// What a metric says about one sample behind one filter.
struct RecordedScore {
  std::string filter;
  std::string metric;
  text::jinja::Value value;  ///< number or true/false; a list or tuple for metrics that are no mean
};

/// What a model was asked and answered.
struct ModelAnswer {
  std::string prompt;        ///< with examples and all
  std::string continuation;  ///< the option; empty for a generation
  double log_likelihood = 0;
  std::string text;        ///< generated
  std::size_t tokens = 0;  ///< generated; 0: unknown
};

/// One sample of a finished run.
struct RecordedSample {
  std::size_t number = 0;  ///< of the document in the task's data
  text::jinja::Value document;
  std::string target;  ///< as text
  std::vector<ModelAnswer> answers;
  std::map<std::string, std::string> filtered;  ///< by filter: what it left of the first answer, as text
  std::vector<RecordedScore> scores;

  [[nodiscard]] const RecordedScore* score(std::string_view metric, std::string_view filter) const;
  /// The answer as a reader wants to see it: the generated text, or the likeliest option.
  [[nodiscard]] std::string shown_answer() const;
  [[nodiscard]] bool is_choice() const { return answers.size() > 1 && !answers.front().continuation.empty(); }
  [[nodiscard]] std::size_t likeliest() const;  ///< option; 0 if there are none
};

struct RecordedTask {
  std::string name;
  int num_fewshot = 0;
  std::size_t max_new_tokens = 0;                ///< of a generation; 0: unknown
  std::string cluster_field;                     ///< metadata's `cluster`, or empty
  std::map<std::string, bool> higher_is_better;  ///< by metric; what is missing: true
  std::vector<RecordedSample> samples;           ///< by number
};

/// One model's answers to some tasks.
struct RecordedRun {
  std::string label;
  std::vector<RecordedTask> tasks;
  std::map<std::string, std::vector<std::string>> groups;  ///< group: its tasks, where the record says so
  [[nodiscard]] const RecordedTask* find(std::string_view task) const;
};

/// A document as text that is equal for equal documents: keys sorted, whole numbers without point.
[[nodiscard]] std::string document_key(const text::jinja::Value& document);

}  // namespace cambium::tasks
