#include "tasks/statistics/aggregate_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "tasks/statistics/resampling.h"
#include "tensor/error.h"

namespace cambium::tasks {
namespace {

constexpr std::size_t kMostRedraws = 100;

std::vector<std::vector<std::size_t>> members(std::size_t samples, std::span<const std::int64_t> clusters) {
  std::vector<std::vector<std::size_t>> groups;
  std::map<std::int64_t, std::size_t> index;
  for (std::size_t i = 0; i < samples; ++i) {
    const std::size_t at = clusters.empty() ? i : index.try_emplace(clusters[i], index.size()).first->second;
    if (at == groups.size()) groups.emplace_back();
    groups[at].push_back(i);
  }
  return groups;
}

}  // namespace

AggregateComparison compare_aggregates(std::size_t samples, std::span<const std::int64_t> clusters,
                                       const SampleStatistic& statistic, const ComparisonOptions& options) {
  if (samples < 2 || (!clusters.empty() && clusters.size() != samples))
    throw ShapeError(fmt::format("a paired comparison needs at least 2 samples, found {}", samples));
  const auto groups = members(samples, clusters);
  std::vector<AnsweredSample> first, second;
  // The difference for groups as drawn; answers of a group change places where `swapped` says so.
  const auto difference = [&](const std::vector<std::size_t>& drawn, const std::vector<bool>& swapped) {
    first.clear();
    second.clear();
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      for (const std::size_t sample : groups[drawn[i]]) {
        first.push_back({sample, swapped[i]});
        second.push_back({sample, !swapped[i]});
      }
    }
    return statistic(second) - statistic(first);
  };
  const std::size_t count = groups.size();
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i;
  const std::vector<bool> as_is(count, false);

  AggregateComparison result;
  result.clusters = count;
  result.difference = difference(all, as_is);
  result.first = statistic(first);
  result.second = statistic(second);

  Draws draws(options.seed);
  std::vector<double> differences;
  std::size_t redraws = 0;
  while (differences.size() < options.resamples) {
    std::vector<std::size_t> drawn(count);
    for (std::size_t& one : drawn) one = draws.below(count);
    const double value = difference(drawn, as_is);
    if (std::isfinite(value)) {
      differences.push_back(value);
    } else if (++redraws > kMostRedraws + options.resamples) {
      throw ValueError("a metric has no number for most resamples of these samples");
    }
  }
  std::ranges::sort(differences);
  if (!differences.empty()) {
    const double tail = (1 - options.confidence) / 2;
    result.interval = {quantile_of_sorted(differences, tail), quantile_of_sorted(differences, 1 - tail)};
  }
  Draws coins(options.seed ^ 0x5DEECE66DULL);
  std::size_t reached = 0;
  for (std::uint64_t draw = 0; draw < options.resamples; ++draw) {
    std::vector<bool> swapped(count);
    for (std::size_t i = 0; i < count; ++i) swapped[i] = coins.below(2) == 1;
    const double value = difference(all, swapped);
    reached += std::abs(value) >= std::abs(result.difference) * (1 - 1e-12) ? 1U : 0U;
  }
  result.p_value = (static_cast<double>(reached) + 1) / (static_cast<double>(options.resamples) + 1);
  return result;
}

}  // namespace cambium::tasks
