#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tasks/builtin_functions.h"
#include "tasks/request.h"
#include "tasks/task.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

/// A metric over all documents, behind one filter.
struct MetricResult {
  std::string metric;
  std::string filter;
  double value = 0;
  std::optional<double> standard_error;  ///< nothing where the reference has "N/A"
  std::size_t count = 0;                 ///< documents
  bool higher_is_better = true;
};

/// One document behind one filter.
struct SampleScore {
  std::size_t document = 0;
  std::string filter;
  text::jinja::Value target;
  std::vector<text::jinja::Value> responses;  ///< of each request, filtered
  MetricValues metrics;
  std::size_t first_request = 0;  ///< in the requests that were scored
  std::size_t request_count = 0;
};

struct TaskScore {
  std::vector<MetricResult> metrics;  ///< filter by filter, in the task file's order
  std::vector<SampleScore> samples;   ///< filter by filter, document by document
  std::size_t documents = 0;
};

struct ScoreOptions {
  std::size_t bootstrap_draws = 100'000;  ///< 0: no standard errors
  bool predict_only = false;              ///< answers are kept, but not scored (metric "bypass")
};

/// Scores the answers to a task's requests as lm-evaluation-harness 0.4.13 does.
/// @param requests   as Task::requests gave them: whole documents, in order
/// @param responses  of each request, as many as its repeats
/// @throws RecipeError  an answer that a filter or metric cannot take (with the document's number)
[[nodiscard]] TaskScore score(const Task& task, const std::vector<Request>& requests,
                              const std::vector<std::vector<Response>>& responses, const ScoreOptions& options = {});

/// The chance that at least one of k answers is right, drawn from `count` answers of which `correct` are: 1 - C(n-c, k)
/// / C(n, k). Chen et al., arXiv:2107.03374.
[[nodiscard]] double pass_at_k(std::size_t count, std::size_t correct, std::size_t k);

}  // namespace cambium::tasks
