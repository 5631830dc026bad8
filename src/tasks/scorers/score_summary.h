#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tasks/scorers/scorer.h"
#include "tasks/statistics/paired_comparison.h"

namespace cambium::tasks {

/// One metric over all recorded answers.
struct MetricSummary {
  std::string name;
  std::size_t values = 0;  ///< averaged: samples, or instructions
  double mean = 0;
  double stderr_mean = 0;  ///< several values of one sample count as a cluster
  Interval interval;       ///< 95 %: Wilson's for shares of samples, else mean +- 1.96 standard errors
};

/// @param scores  of all samples @return  in the order in which metrics first come; each over the samples that have it
[[nodiscard]] std::vector<MetricSummary> summarise(std::span<const AnswerScore> scores);

}  // namespace cambium::tasks
