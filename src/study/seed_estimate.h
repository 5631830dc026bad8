#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "study/student.h"

namespace cambium::study {

/// One sample's score (or difference of two scores) under one seed.
struct Observation {
  std::size_t seed = 0;
  std::size_t task = 0;
  /// Samples of one task with one number belong together: questions on one picture, and the same question asked of the
  /// models of several seeds.
  std::int64_t cluster = 0;
  double value = 0;
};

/// Mean over seeds of the mean over tasks of the mean over samples, with its 95 % interval and the p value of "it is
/// 0".
///
/// Three seeds or more: a seed is the unit (Student's t over the seeds' means), so the interval is for another training
/// run on other samples. Where seeds share samples, their means vary together; that covariance c, seen in the samples'
/// residuals, is added: variance = (variance of seeds' means) / seeds + c, its degrees of freedom by Satterthwaite. The
/// interval is never narrower than what the samples alone leave open. Fewer seeds: samples are the unit.
/// @param observations  every seed of 0 .. seeds - 1 has samples of every task of 0 .. tasks - 1
/// @param shares        values are 0 to 100: bounds stay within, few samples of 0 or 100 leave an interval
/// Cost: one pass and a sort of the clusters.
/// Source: Cameron, Gelbach and Miller 2011 (variance of two-way clusters), written for the mean of means.
[[nodiscard]] Estimate estimate_over_seeds_and_samples(std::span<const Observation> observations, std::size_t seeds,
                                                       std::size_t tasks, bool shares);

/// From this many seeds on, seeds are the unit of an interval.
inline constexpr std::size_t kSeedsForInterval = 3;

}  // namespace cambium::study
