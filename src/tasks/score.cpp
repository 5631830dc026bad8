#include "tasks/score.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tasks/aggregation.h"
#include "tasks/document_metrics.h"
#include "tasks/metric.h"
#include "tasks/response_filter.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

Value as_value(const Request& request, const Response& response) {
  switch (request.kind) {
    case Request::Kind::kLogLikelihood:
      return Value::tuple({Value::real(response.log_likelihood), Value::boolean(response.greedy)});
    case Request::Kind::kRolling:
      return Value::real(response.log_likelihood);
    case Request::Kind::kGenerate:
      return Value::string(response.text);
  }
  return {};
}

/// How one metric's values become a number.
struct Aggregation {
  std::string name;
  BuiltinFunction::Aggregation function = nullptr;
  bool higher_is_better = true;
};

class TaskScorer {
 public:
  TaskScorer(const Task& task, const std::vector<Request>& requests,
             const std::vector<std::vector<Response>>& responses, const ScoreOptions& options)
      : task_(task), requests_(requests), responses_(responses), options_(options), metrics_(task) {}

  TaskScore run() {
    TaskScore score;
    for (const FilterPipeline& pipeline : task_.config().filters) add_filter(score, pipeline);
    return score;
  }

 private:
  void add_filter(TaskScore& score, const FilterPipeline& pipeline) {
    ResponseFilter filter(pipeline);
    std::vector<std::string> names;  // metrics in the order they first come
    std::map<std::string, std::vector<Value>> values;
    std::size_t documents = 0;
    for (std::size_t begin = 0; begin < requests_.size();) {
      std::size_t end = begin;
      while (end < requests_.size() && requests_[end].document == requests_[begin].document) ++end;
      SampleScore sample = sample_of(filter, begin, end);
      sample.filter = pipeline.name;
      for (const auto& [name, value] : sample.metrics) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
        values[name].push_back(value);
      }
      score.samples.push_back(std::move(sample));
      begin = end;
      ++documents;
    }
    score.documents = std::max(score.documents, documents);
    for (const std::string& name : names) score.metrics.push_back(aggregated(name, pipeline.name, values[name]));
  }

  SampleScore sample_of(ResponseFilter& filter, std::size_t begin, std::size_t end) const {
    const std::size_t number = requests_[begin].document;
    const Value& document = task_.documents()[number];
    try {
      SampleScore sample{.document = number,
                         .filter = {},
                         .target = task_.target(document),
                         .responses = {},
                         .metrics = {},
                         .first_request = begin,
                         .request_count = end - begin};
      for (std::size_t i = begin; i < end; ++i) {
        std::vector<Value> answers;
        for (const Response& response : responses_[i]) answers.push_back(as_value(requests_[i], response));
        sample.responses.push_back(filter.apply(Value::list(std::move(answers)), document));
      }
      if (options_.predict_only) {
        sample.metrics.emplace_back("bypass", Value());
      } else {
        sample.metrics = metrics_.of(document, sample.responses);
      }
      return sample;
    } catch (const Error& error) {
      throw RecipeError(fmt::format("task '{}', document {}: {}", task_.name(), number, error.what()));
    }
  }

  Aggregation aggregation_for(const std::string& name) const {
    if (options_.predict_only) return {.name = "bypass"};
    for (const MetricConfig& metric : task_.config().metrics) {
      const bool expanded = metric.name == "pass@k" && name.starts_with("pass@");
      if (metric.name != name && !expanded) continue;
      Aggregation found{
          .name = aggregation_of(metric), .function = nullptr, .higher_is_better = is_higher_better(metric)};
      if (!is_known_aggregation(found.name)) found.function = builtin_function(found.name, task_.name()).aggregation;
      return found;
    }
    return {.name = "mean"};
  }

  MetricResult aggregated(const std::string& name, const std::string& filter, const std::vector<Value>& values) const {
    const Aggregation aggregation = aggregation_for(name);
    MetricResult result{.metric = name,
                        .filter = filter,
                        .value = 0,
                        .standard_error = {},
                        .count = values.size(),
                        .higher_is_better = aggregation.higher_is_better};
    try {
      if (aggregation.function != nullptr) {
        result.value = aggregation.function(values);
      } else {
        result.value = aggregate(aggregation.name, values);
        result.standard_error = standard_error(aggregation.name, values, options_.bootstrap_draws);
      }
    } catch (const Error& error) {
      throw RecipeError(fmt::format("task '{}': metric '{}': {}", task_.name(), name, error.what()));
    }
    return result;
  }

  const Task& task_;
  const std::vector<Request>& requests_;
  const std::vector<std::vector<Response>>& responses_;
  const ScoreOptions& options_;
  DocumentMetrics metrics_;
};

}  // namespace

double pass_at_k(std::size_t count, std::size_t correct, std::size_t k) {
  if (count - correct < k) return 1;
  double none = 1;
  for (std::size_t i = count - correct + 1; i <= count; ++i)
    none *= 1 - static_cast<double>(k) / static_cast<double>(i);
  return 1 - none;
}

TaskScore score(const Task& task, const std::vector<Request>& requests,
                const std::vector<std::vector<Response>>& responses, const ScoreOptions& options) {
  if (requests.size() != responses.size()) {
    throw ValueError(
        fmt::format("task '{}': {} requests have {} answers", task.name(), requests.size(), responses.size()));
  }
  return TaskScorer(task, requests, responses, options).run();
}

}  // namespace cambium::tasks
