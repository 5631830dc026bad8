#include "tasks/scorers/score_summary.h"

#include <algorithm>
#include <cmath>

namespace cambium::tasks {
namespace {

constexpr double kNormal95 = 1.959963984540054;

/// One metric's values, sample by sample.
struct Metric {
  std::string name;
  std::vector<const std::vector<double>*> samples;
};

MetricSummary summary_of(const Metric& metric) {
  MetricSummary summary;
  summary.name = metric.name;
  double sum = 0;
  bool binary = true;
  bool one_each = true;
  for (const std::vector<double>* values : metric.samples) {
    one_each = one_each && values->size() == 1;
    for (const double value : *values) {
      sum += value;
      binary = binary && (value == 0 || value == 1);
      ++summary.values;
    }
  }
  if (summary.values == 0) return summary;
  summary.mean = sum / static_cast<double>(summary.values);

  // The values of one sample depend on each other: the standard error of a ratio of sums over samples.
  double squares = 0;
  for (const std::vector<double>* values : metric.samples) {
    double excess = 0;
    for (const double value : *values) excess += value - summary.mean;
    squares += excess * excess;
  }
  const auto samples = static_cast<double>(metric.samples.size());
  if (samples > 1) {
    summary.stderr_mean = std::sqrt(squares * samples / (samples - 1)) / static_cast<double>(summary.values);
  }
  if (one_each && binary) {
    summary.interval = wilson_interval(static_cast<std::uint64_t>(sum), summary.values);
  } else {
    summary.interval = {summary.mean - kNormal95 * summary.stderr_mean, summary.mean + kNormal95 * summary.stderr_mean};
  }
  return summary;
}

}  // namespace

std::vector<MetricSummary> summarise(std::span<const AnswerScore> scores) {
  std::vector<Metric> metrics;
  for (const AnswerScore& score : scores) {
    for (const auto& [name, values] : score.metrics) {
      auto metric = std::ranges::find(metrics, name, &Metric::name);
      if (metric == metrics.end()) metric = metrics.insert(metrics.end(), Metric{name, {}});
      metric->samples.push_back(&values);
    }
  }
  std::vector<MetricSummary> summaries;
  for (const Metric& metric : metrics) summaries.push_back(summary_of(metric));
  return summaries;
}

}  // namespace cambium::tasks
