#include "tasks/scorers/score_summary.h"

#include <algorithm>
#include <cmath>

namespace cambium::tasks {
namespace {

constexpr double kNormal95 = 1.959963984540054;

MetricSummary summary_of(std::span<const AnswerScore> scores, std::size_t metric) {
  MetricSummary summary;
  summary.name = scores[0].metrics[metric].first;
  std::vector<double> values;
  bool one_each = true;
  for (const AnswerScore& score : scores) {
    const std::vector<double>& own = score.metrics[metric].second;
    one_each = one_each && own.size() == 1;
    values.insert(values.end(), own.begin(), own.end());
  }
  summary.values = values.size();
  if (values.empty()) return summary;
  double sum = 0;
  for (const double value : values) sum += value;
  summary.mean = sum / static_cast<double>(values.size());

  // The values of one sample depend on each other: the standard error of a ratio of sums over samples.
  double squares = 0;
  for (const AnswerScore& score : scores) {
    double excess = 0;
    for (const double value : score.metrics[metric].second) excess += value - summary.mean;
    squares += excess * excess;
  }
  const auto samples = static_cast<double>(scores.size());
  if (scores.size() > 1) {
    summary.stderr_mean = std::sqrt(squares * samples / (samples - 1)) / static_cast<double>(values.size());
  }
  const bool binary = std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; });
  if (one_each && binary) {
    summary.interval = wilson_interval(static_cast<std::uint64_t>(sum), values.size());
  } else {
    summary.interval = {summary.mean - kNormal95 * summary.stderr_mean, summary.mean + kNormal95 * summary.stderr_mean};
  }
  return summary;
}

}  // namespace

std::vector<MetricSummary> summarise(std::span<const AnswerScore> scores) {
  std::vector<MetricSummary> summaries;
  if (scores.empty()) return summaries;
  for (std::size_t i = 0; i < scores[0].metrics.size(); ++i) summaries.push_back(summary_of(scores, i));
  return summaries;
}

}  // namespace cambium::tasks
