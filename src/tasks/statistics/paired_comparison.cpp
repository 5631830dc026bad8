#include "tasks/statistics/paired_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tasks/statistics/normal_distribution.h"
#include "tasks/statistics/resampling.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

constexpr std::size_t kExactClusters = 20;

// Sum of differences and number of samples of each cluster.
struct Clusters {
  std::vector<double> sums;
  std::vector<double> sizes;
};

Clusters gather(const PairedScores& scores) {
  Clusters out;
  std::map<std::int64_t, std::size_t> index;
  for (std::size_t i = 0; i < scores.first.size(); ++i) {
    std::size_t at = i;
    if (!scores.clusters.empty()) at = index.try_emplace(scores.clusters[i], index.size()).first->second;
    if (at == out.sums.size()) {
      out.sums.push_back(0);
      out.sizes.push_back(0);
    }
    out.sums[at] += scores.second[i] - scores.first[i];
    out.sizes[at] += 1;
  }
  return out;
}

// Bias-corrected and accelerated bootstrap of the ratio sum(sums) / sum(sizes) over whole clusters.
Interval bootstrap_interval(const Clusters& clusters, double estimate, const ComparisonOptions& options) {
  const std::size_t count = clusters.sums.size();
  std::vector<double> means(options.resamples);
  Draws draws(options.seed);
  for (double& mean : means) {
    double sum = 0;
    double size = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t drawn = draws.below(count);
      sum += clusters.sums[drawn];
      size += clusters.sizes[drawn];
    }
    mean = sum / size;
  }
  std::ranges::sort(means);
  if (means.front() == means.back()) return {estimate, estimate};
  // Ties count half, or discrete scores would look biased.
  const auto [below, above] = std::equal_range(means.begin(), means.end(), estimate);
  const double share = (static_cast<double>(below - means.begin()) + 0.5 * static_cast<double>(above - below)) /
                       static_cast<double>(means.size());
  const double edge = 0.5 / static_cast<double>(means.size());
  const double bias = normal_quantile(std::clamp(share, edge, 1 - edge));

  const double total = std::accumulate(clusters.sums.begin(), clusters.sums.end(), 0.0);
  const double samples = std::accumulate(clusters.sizes.begin(), clusters.sizes.end(), 0.0);
  std::vector<double> without(count);
  for (std::size_t i = 0; i < count; ++i) without[i] = (total - clusters.sums[i]) / (samples - clusters.sizes[i]);
  const double middle = std::accumulate(without.begin(), without.end(), 0.0) / static_cast<double>(count);
  double cubes = 0;
  double squares = 0;
  for (const double value : without) {
    cubes += std::pow(middle - value, 3);
    squares += std::pow(middle - value, 2);
  }
  const double acceleration = squares > 0 ? cubes / (6 * std::pow(squares, 1.5)) : 0;
  const auto adjusted = [&](double probability) {
    const double z = bias + normal_quantile(probability);
    return quantile_of_sorted(means, normal_cdf(bias + z / (1 - acceleration * z)));
  };
  double tail = (1 - options.confidence) / 2;
  if (options.expand) {
    const auto groups = static_cast<double>(count);
    tail = normal_cdf(std::sqrt(groups / (groups - 1)) * student_quantile(tail, groups - 1));
  }
  return {adjusted(tail), adjusted(1 - tail)};
}

// Two-sided sign-flip test: how often a random choice of signs makes the sum as large as it is.
double sign_flip_p(const std::vector<double>& sums, const ComparisonOptions& options, bool& exact) {
  std::vector<double> moving;
  for (const double sum : sums) {
    if (sum != 0) moving.push_back(sum);
  }
  const double seen = std::abs(std::accumulate(moving.begin(), moving.end(), 0.0));
  double scale = 0;
  for (const double sum : moving) scale += std::abs(sum);
  const double threshold = seen - 1e-12 * scale;  // sums in another order may round differently
  exact = moving.size() <= kExactClusters;
  if (moving.empty()) return 1;
  std::uint64_t reached = 0;
  if (exact) {
    const std::uint64_t patterns = std::uint64_t{1} << moving.size();
    for (std::uint64_t pattern = 0; pattern < patterns; ++pattern) {
      double sum = 0;
      for (std::size_t i = 0; i < moving.size(); ++i) sum += ((pattern >> i) & 1U) != 0 ? moving[i] : -moving[i];
      reached += std::abs(sum) >= threshold ? 1U : 0U;
    }
    return static_cast<double>(reached) / static_cast<double>(patterns);
  }
  Draws draws(options.seed ^ 0x5DEECE66DULL);
  for (std::uint64_t draw = 0; draw < options.resamples; ++draw) {
    double sum = 0;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < moving.size(); ++i) {
      if (i % 64 == 0) bits = draws.bits();
      sum += (bits & 1U) != 0 ? moving[i] : -moving[i];
      bits >>= 1U;
    }
    reached += std::abs(sum) >= threshold ? 1U : 0U;
  }
  return (static_cast<double>(reached) + 1) / (static_cast<double>(options.resamples) + 1);
}

void check(const PairedScores& scores) {
  if (scores.first.size() != scores.second.size() ||
      (!scores.clusters.empty() && scores.clusters.size() != scores.first.size())) {
    throw ShapeError(fmt::format(
        "a paired comparison needs one score of each model for each sample; found {} and {} scores and {} clusters",
        scores.first.size(), scores.second.size(), scores.clusters.size()));
  }
  if (scores.first.size() < 2)
    throw ShapeError(fmt::format("a paired comparison needs at least 2 samples, found {}", scores.first.size()));
  for (std::size_t i = 0; i < scores.first.size(); ++i) {
    if (!std::isfinite(scores.first[i]) || !std::isfinite(scores.second[i])) {
      throw ValueError(
          fmt::format("sample {}: scores {} and {}, expected finite numbers", i, scores.first[i], scores.second[i]));
    }
  }
}

bool is_binary(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return value == 0 || value == 1; });
}

}  // namespace

double PairedComparison::p_value() const { return binary && clusters == samples ? p_mcnemar : p_permutation; }

PairedComparison compare_paired(const PairedScores& scores, const ComparisonOptions& options) {
  check(scores);
  const Clusters clusters = gather(scores);
  const auto samples = static_cast<double>(scores.first.size());
  const auto groups = static_cast<double>(clusters.sums.size());
  PairedComparison out;
  out.samples = scores.first.size();
  out.clusters = clusters.sums.size();
  out.first_mean = std::accumulate(scores.first.begin(), scores.first.end(), 0.0) / samples;
  out.second_mean = std::accumulate(scores.second.begin(), scores.second.end(), 0.0) / samples;
  out.difference = std::accumulate(clusters.sums.begin(), clusters.sums.end(), 0.0) / samples;

  double between = 0;  // squared deviations of cluster sums
  for (std::size_t i = 0; i < clusters.sums.size(); ++i)
    between += std::pow(clusters.sums[i] - out.difference * clusters.sizes[i], 2);
  if (groups > 1) out.stderr_difference = std::sqrt(between * groups / (groups - 1)) / samples;
  double within = 0;
  for (std::size_t i = 0; i < scores.first.size(); ++i)
    within += std::pow(scores.second[i] - scores.first[i] - out.difference, 2);
  const double deviation = std::sqrt(within / (samples - 1));
  if (deviation > 0) out.effect_size = out.difference / deviation;

  out.interval =
      groups > 1 ? bootstrap_interval(clusters, out.difference, options) : Interval{out.difference, out.difference};
  out.p_permutation = sign_flip_p(clusters.sums, options, out.permutation_exact);
  const double z = normal_quantile(1 - (1 - options.confidence) / 2);
  // Under random signs about a shift d the sum has variance sum (sum_c - d size_c)^2, which d = difference makes
  // smallest.
  const double spread = std::sqrt(between) / samples;
  out.permutation_interval = {out.difference - z * spread, out.difference + z * spread};

  out.binary = is_binary(scores.first) && is_binary(scores.second);
  if (out.binary) {
    for (std::size_t i = 0; i < scores.first.size(); ++i) {
      out.only_first += scores.first[i] > scores.second[i] ? 1U : 0U;
      out.only_second += scores.second[i] > scores.first[i] ? 1U : 0U;
    }
    out.p_mcnemar = mcnemar_exact(out.only_first, out.only_second);
    out.odds_ratio = (static_cast<double>(out.only_second) + 0.5) / (static_cast<double>(out.only_first) + 0.5);
  }
  const double reach = z + normal_quantile(options.power);
  out.detectable_difference = reach * out.stderr_difference;
  if (out.difference != 0)
    out.samples_needed = std::ceil(samples * std::pow(out.detectable_difference / out.difference, 2));
  return out;
}

double mcnemar_exact(std::uint64_t only_first, std::uint64_t only_second) {
  const std::uint64_t count = only_first + only_second;
  const std::uint64_t fewer = std::min(only_first, only_second);
  if (count == 0 || only_first == only_second) return 1;
  const auto trials = static_cast<double>(count);
  const double log_all = std::lgamma(trials + 1) - trials * std::log(2.0);
  double tail = 0;
  for (std::uint64_t k = 0; k <= fewer; ++k) {
    const auto successes = static_cast<double>(k);
    tail += std::exp(log_all - std::lgamma(successes + 1) - std::lgamma(trials - successes + 1));
  }
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm_correction(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, std::min(1.0, p_values[order[rank]] * static_cast<double>(order.size() - rank)));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

Interval wilson_interval(std::uint64_t right, std::uint64_t samples, double confidence) {
  if (samples == 0 || right > samples)
    throw ValueError(fmt::format("a share of {} among {} samples has no interval", right, samples));
  const double z = normal_quantile(1 - (1 - confidence) / 2);
  const auto n = static_cast<double>(samples);
  const double share = static_cast<double>(right) / n;
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

double mean_stderr(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / (count - 1) / count);
}

}  // namespace cambium::tasks
