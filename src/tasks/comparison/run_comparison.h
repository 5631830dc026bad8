#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/comparison/sample_pairing.h"
#include "tasks/statistics/paired_comparison.h"

namespace cambium::tasks {

struct RunComparisonOptions {
  std::vector<std::string> tasks = {};    ///< empty: all
  std::vector<std::string> metrics = {};  ///< empty: all
  PairingOptions pairing = {};
  std::string cluster = "auto";  ///< as sample_clusters
  ComparisonOptions statistics = {};
};

/// A metric of a task (or a group's tasks together) under both runs. Differences are second - first.
struct ComparedMetric {
  std::string task;
  std::string metric;
  std::string filter;
  bool is_group = false;
  bool primary = false;  ///< the task's first metric (of the wanted ones): the one that is counted in Holm's correction
  bool higher_is_better = true;
  double a = 0;
  double b = 0;
  double difference = 0;
  Interval interval;
  double p_value = 1;
  std::optional<double> p_holm;  ///< over the tasks, this row standing for its own; nothing for groups
  std::string test;              ///< "mcnemar_exact", "permutation" or "permutation_exact"
  std::size_t n = 0;             ///< samples; of a metric that counts parts of samples (IFEval's instructions): parts
  std::size_t clusters = 0;      ///< = n: each sample stands alone
  std::string cluster_field;
  // Nothing for metrics that are no mean of the samples' scores:
  std::optional<double> effect_size;            ///< Cohen's d_z
  std::optional<double> detectable_difference;  ///< found with 80 % power at this size
  std::optional<double> samples_needed;         ///< for the seen difference; nothing if there is none
  // Only for right or wrong:
  std::optional<std::uint64_t> lost;  ///< right in the first run only
  std::optional<std::uint64_t> won;   ///< right in the second only
};

struct RunComparison {
  std::string first;
  std::string second;
  std::vector<ComparedMetric> metrics;  ///< task by task, then groups
  std::vector<std::string> notes;       ///< what was left out, and why
};

/// Paired comparison of two runs, task by task and metric by metric: McNemar's exact test for right and wrong, a
/// sign-flip permutation test for other scores and wherever samples come in clusters, a BCa bootstrap of whole clusters
/// for the intervals (docs/statistics.md).
/// @throws as pair_tasks, pair_samples, sample_clusters, compare_paired (with the task's name)
[[nodiscard]] RunComparison compare_runs(const RecordedRun& first, const RecordedRun& second,
                                         const RunComparisonOptions& options);

}  // namespace cambium::tasks
