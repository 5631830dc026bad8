#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "tasks/statistics/paired_comparison.h"

namespace cambium::tasks {

/// One sample as one of the two models answered it.
struct AnsweredSample {
  std::size_t sample = 0;
  bool second = false;
};

/// A number over samples that is no mean of scores (perplexity, F1, BLEU ...).
using SampleStatistic = std::function<double(std::span<const AnsweredSample>)>;

struct AggregateComparison {
  double first = 0;
  double second = 0;
  double difference = 0;  ///< second - first
  Interval interval;      ///< percentile bootstrap over whole clusters, the same samples drawn for both models
  double p_value = 1;     ///< permutation: the models' answers change places, whole clusters at a time
  std::size_t clusters = 0;
};

/// Compares a statistic of two models on the same samples.
/// @param clusters  of each sample, as in PairedScores; empty: each by itself
/// @throws ShapeError  fewer than two samples; what the statistic throws on the samples as they are. A resample that it
///                     has no number for is drawn again (ValueError if that never ends)
/// Cost: 4 * resamples calls of the statistic.
[[nodiscard]] AggregateComparison compare_aggregates(std::size_t samples, std::span<const std::int64_t> clusters,
                                                     const SampleStatistic& statistic,
                                                     const ComparisonOptions& options);

}  // namespace cambium::tasks
