#include "study/seed_estimate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "tasks/statistics/normal_distribution.h"

namespace cambium::study {
namespace {

struct Cell {
  double sum = 0;
  double count = 0;
  [[nodiscard]] double mean() const { return sum / count; }
};

// What the samples of one task add to the variance of the estimate.
struct SampleVariance {
  double all = 0;     ///< of samples, summed over the seeds that share them
  double shared = 0;  ///< of it, covariance between seeds
  double degrees = 0;
};

SampleVariance sample_variance(std::span<const Observation> observations, const std::vector<Cell>& cells,
                               std::size_t task, std::size_t seeds, std::size_t tasks) {
  std::map<std::int64_t, std::vector<double>> clusters;  // weighted residuals, by seed
  for (const Observation& each : observations) {
    if (each.task != task) continue;
    const Cell& cell = cells[each.seed * tasks + task];
    std::vector<double>& by_seed = clusters[each.cluster];
    by_seed.resize(seeds);
    by_seed[each.seed] += (each.value - cell.mean()) / (cell.count * static_cast<double>(seeds * tasks));
  }
  SampleVariance variance;
  for (const auto& [cluster, by_seed] : clusters) {
    double sum = 0;
    double squares = 0;
    for (const double value : by_seed) {
      sum += value;
      squares += value * value;
    }
    variance.all += sum * sum;
    variance.shared += sum * sum - squares;
  }
  const auto count = static_cast<double>(clusters.size());
  const double correction = count > 1 ? count / (count - 1) : 0;
  return {.all = variance.all * correction, .shared = variance.shared * correction, .degrees = count - 1};
}

double two_sided(double value, double error, int degrees) {
  if (value == 0) return 1;
  if (error <= 0) return 0;
  const double t = std::abs(value) / error;
  return degrees > 0 ? student_two_sided(t, degrees) : 2 * tasks::normal_cdf(-t);
}

}  // namespace

Estimate estimate_over_seeds_and_samples(std::span<const Observation> observations, std::size_t seeds,
                                         std::size_t tasks, bool shares) {
  std::vector<Cell> cells(seeds * tasks);
  for (const Observation& each : observations) {
    Cell& cell = cells[each.seed * tasks + each.task];
    cell.sum += each.value;
    ++cell.count;
  }
  std::vector<double> means(seeds);
  double mean = 0;
  for (std::size_t seed = 0; seed < seeds; ++seed) {
    for (std::size_t task = 0; task < tasks; ++task)
      means[seed] += cells[seed * tasks + task].mean() / static_cast<double>(tasks);
    mean += means[seed] / static_cast<double>(seeds);
  }
  double of_samples = 0;
  double shared = 0;
  double sample_degrees = 0;
  for (std::size_t task = 0; task < tasks; ++task) {
    SampleVariance variance = sample_variance(observations, cells, task, seeds, tasks);
    if (shares) {
      std::vector<double> values;
      for (const Observation& each : observations) {
        if (each.task == task) values.push_back(each.value);
      }
      const double weight = 1 / static_cast<double>(tasks);
      variance.all = std::max(variance.all, weight * weight * stratum_of_shares(values, 100).variance_of_mean);
    }
    of_samples += variance.all;
    shared += variance.shared;
    sample_degrees += variance.degrees;
  }
  double reach = tasks::normal_quantile(0.975) * std::sqrt(of_samples);
  double p = two_sided(mean, std::sqrt(of_samples), 0);
  if (seeds >= kSeedsForInterval) {
    const auto count = static_cast<double>(seeds);
    double squares = 0;
    for (const double value : means) squares += (value - mean) * (value - mean);
    const double of_seeds = squares / (count - 1) / count;
    const double between = std::max(0.0, shared * count / (count - 1));
    const double spread = of_seeds * of_seeds / (count - 1) + between * between / std::max(1.0, sample_degrees);
    const double satterthwaite = spread > 0 ? (of_seeds + between) * (of_seeds + between) / spread : count - 1;
    const int degrees = std::max(1, static_cast<int>(std::min(1000.0, satterthwaite + 1e-9)));
    const double error = std::sqrt(of_seeds + between);
    reach = std::max(reach, student_critical(0.05, degrees) * error);
    p = std::max(p, two_sided(mean, error, degrees));
  }
  Estimate estimate{.value = mean, .low = mean - reach, .high = mean + reach, .p_value = p};
  if (shares) {
    estimate.low = std::max(estimate.low, 0.0);
    estimate.high = std::min(estimate.high, 100.0);
  }
  return estimate;
}

}  // namespace cambium::study
