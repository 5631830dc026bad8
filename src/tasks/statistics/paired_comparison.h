#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cambium::tasks {

/// A number with its interval.
struct Interval {
  double low = 0;
  double high = 0;
};

/// The same samples scored under two models: first[i] and second[i] belong to one sample.
struct PairedScores {
  std::span<const double> first;
  std::span<const double> second;
  /// Cluster of each sample (several questions on one picture): any numbers, equal for samples that belong together;
  /// empty: each by itself.
  std::span<const std::int64_t> clusters;
};

struct ComparisonOptions {
  double confidence = 0.95;
  std::uint64_t resamples = 10'000;  ///< of the bootstrap, and of the permutation test where it cannot be exact
  std::uint64_t seed = 1234;
  /// Widens the bootstrap's tails as Student's t widens the normal's (Hesterberg 2015, "expanded percentile"): the
  /// plain bootstrap is too narrow by sqrt((n - 1) / n) and more for few clusters.
  bool expand = true;
  double power = 0.8;  ///< for the detectable difference and the sample size
};

/// What two runs on the same samples say about each other. Differences are second - first.
struct PairedComparison {
  std::size_t samples = 0;
  std::size_t clusters = 0;
  double first_mean = 0;
  double second_mean = 0;
  double difference = 0;
  Interval interval;  ///< of the difference; bootstrap of whole clusters, bias-corrected and accelerated (BCa)
  Interval permutation_interval;   ///< of the difference; the shifts that the permutation test does not reject (normal
                                   ///< form of it)
  double stderr_difference = 0;    ///< cluster-robust
  double p_permutation = 1;        ///< two-sided sign-flip test over clusters
  bool permutation_exact = false;  ///< all sign patterns were counted (at most 20 clusters that differ)
  double effect_size = 0;  ///< Cohen's d_z: mean difference / standard deviation of the differences; 0 if none differs

  // Only where all scores are 0 or 1:
  bool binary = false;
  std::uint64_t only_first = 0;  ///< right under the first model only
  std::uint64_t only_second = 0;
  double p_mcnemar = 1;   ///< exact; assumes independent samples, so prefer p_permutation when there are clusters
  double odds_ratio = 1;  ///< only_second / only_first with 1/2 added to both

  double detectable_difference =
      0;  ///< smallest true difference that a test at 1 - confidence finds with the stated power, at this size
  double samples_needed =
      0;  ///< samples (of this spread and clustering) to find a true difference as large as the seen one

  /// The p value to report: McNemar's exact one for binary scores without clusters, else the permutation test's.
  [[nodiscard]] double p_value() const;
};

/// @throws ShapeError  sizes differ or fewer than two samples; ValueError if a score is not finite
/// Cost: O(resamples * clusters). The same seed gives the same numbers.
/// Source: BCa: Efron 1987; exact McNemar: binomial with 1/2; sign flips over clusters: paired randomisation.
[[nodiscard]] PairedComparison compare_paired(const PairedScores& scores, const ComparisonOptions& options = {});

/// Exact two-sided McNemar test of two discordant counts: binomial(only_first + only_second, 1/2), as scipy's
/// binomtest.
[[nodiscard]] double mcnemar_exact(std::uint64_t only_first, std::uint64_t only_second);

/// Holm's step-down correction: adjusted p values in the given order, each at most 1.
[[nodiscard]] std::vector<double> holm_correction(std::span<const double> p_values);

/// Wilson's interval of a share of `right` among `samples`.
[[nodiscard]] Interval wilson_interval(std::uint64_t right, std::uint64_t samples, double confidence = 0.95);

/// Standard error of a mean: sample standard deviation / sqrt(n), as lm-evaluation-harness prints it; 0 for fewer than
/// two values.
[[nodiscard]] double mean_stderr(std::span<const double> values);

}  // namespace cambium::tasks
