#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tasks/builtin_functions.h"
#include "tasks/exact_match.h"
#include "tasks/task.h"

namespace cambium::tasks {

/// The metrics of single documents of a task.
class DocumentMetrics {
 public:
  /// The task must outlive it.
  explicit DocumentMetrics(const Task& task);

  /// @param responses  of each of the document's requests, filtered: (log-likelihood, greedy) tuples, a float for whole
  /// texts, texts, or
  ///                   lists where a filter leaves several
  /// @throws RecipeError, ValueError
  [[nodiscard]] MetricValues of(const text::jinja::Value& document,
                                const std::vector<text::jinja::Value>& responses) const;

 private:
  [[nodiscard]] MetricValues of_log_likelihood(const std::vector<text::jinja::Value>& responses) const;
  [[nodiscard]] MetricValues of_whole_text(const text::jinja::Value& document,
                                           const std::vector<text::jinja::Value>& responses) const;
  [[nodiscard]] MetricValues of_choice(const text::jinja::Value& document,
                                       const std::vector<text::jinja::Value>& responses) const;
  [[nodiscard]] MetricValues of_generation(const text::jinja::Value& document,
                                           const text::jinja::Value& response) const;

  const Task& task_;
  BuiltinFunction::Results function_ = nullptr;
  std::map<std::string, ExactMatch> matches_;  ///< of exact_match and pass@k
};

}  // namespace cambium::tasks
