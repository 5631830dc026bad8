#include "tasks/comparison/run_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "tasks/aggregation.h"
#include "tasks/metric.h"
#include "tasks/statistics/aggregate_comparison.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

// Draws for metrics that need a pass over all samples each time.
constexpr std::uint64_t kAggregateDraws = 2'000;
constexpr std::uint64_t kTranslationDraws = 200;

bool is_scalar(const Value& value) { return value.is_number() || value.is(jinja::Type::kBool); }

// IFEval's form: one sample's list of verdicts.
bool is_verdicts(const Value& value) {
  return value.is_sequence() &&
         std::ranges::all_of(value.items(), [](const Value& item) { return item.is(jinja::Type::kBool); });
}

std::string aggregation_name(const std::string& metric) {
  return aggregation_of({.name = metric, .aggregation = {}, .higher_is_better = {}, .arguments = Value::dict()});
}

bool metric_rises(const RecordedTask& task, const std::string& metric) {
  const auto found = task.higher_is_better.find(metric);
  if (found != task.higher_is_better.end()) return found->second;
  return is_higher_better({.name = metric, .aggregation = {}, .higher_is_better = {}, .arguments = Value::dict()});
}

/// Scores of both runs, sample by sample or part by part.
struct Scores {
  std::vector<double> first, second;
  std::vector<std::int64_t> clusters;
};

struct PairedTask {
  const RecordedTask* first;
  const RecordedTask* second;
  SamplePairs pairs;
  SampleClusters clusters;
};

class Comparer {
 public:
  Comparer(const RecordedRun& first, const RecordedRun& second, const RunComparisonOptions& options)
      : first_(first), second_(second), options_(options) {}

  RunComparison run() {
    result_.first = first_.label;
    result_.second = second_.label;
    for (const auto& [first, second] : pair_tasks(first_, second_, options_.tasks, options_.pairing)) {
      SamplePairs pairs = pair_samples(*first, *second, options_.pairing);
      if (pairs.only_first + pairs.only_second > 0) {
        note(fmt::format("{}: left out {} samples of the first run and {} of the second that the other lacks",
                         first->name, pairs.only_first, pairs.only_second));
      }
      SampleClusters clusters = sample_clusters(*first, pairs, options_.cluster);
      tasks_.push_back({first, second, std::move(pairs), std::move(clusters)});
    }
    for (const PairedTask& task : tasks_) add_task(task);
    if (result_.metrics.empty()) throw ValueError("the runs have no metric in common");
    correct();
    if (options_.tasks.empty()) add_groups();
    return std::move(result_);
  }

 private:
  void note(std::string text) { result_.notes.push_back(std::move(text)); }

  [[nodiscard]] bool wanted(const std::string& metric) const {
    return options_.metrics.empty() || std::ranges::find(options_.metrics, metric) != options_.metrics.end();
  }

  // (metric, filter) of the first sample that the second run has too.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> metrics_of(const PairedTask& task) const {
    std::vector<std::pair<std::string, std::string>> names;
    const auto& [first, second] = task.pairs.pairs.front();
    for (const RecordedScore& score : first->scores) {
      if (wanted(score.metric) && second->score(score.metric, score.filter) != nullptr)
        names.emplace_back(score.metric, score.filter);
    }
    return names;
  }

  void add_task(const PairedTask& task) {
    bool primary = true;
    for (const auto& [metric, filter] : metrics_of(task)) {
      try {
        ComparedMetric row = compared(task, metric, filter);
        row.primary = primary;
        result_.metrics.push_back(std::move(row));
        primary = false;
      } catch (const ShapeError& error) {
        note(fmt::format("{}: {}: {}", task.first->name, metric, error.what()));
      } catch (const Error& error) {
        throw ValueError(fmt::format("task '{}': metric '{}': {}", task.first->name, metric, error.what()));
      }
    }
  }

  static const Value& value_of(const RecordedSample& sample, const std::string& metric, const std::string& filter) {
    const RecordedScore* score = sample.score(metric, filter);
    if (score == nullptr) throw ValueError(fmt::format("document {} has no score", sample.number));
    return score->value;
  }

  // The scores whose mean the metric is; nothing if it is no mean.
  static std::optional<Scores> mean_scores(const PairedTask& task, const std::string& metric,
                                           const std::string& filter) {
    if (aggregation_name(metric) != "mean") return std::nullopt;
    Scores scores;
    for (std::size_t i = 0; i < task.pairs.pairs.size(); ++i) {
      const auto& [first, second] = task.pairs.pairs[i];
      const Value& a = value_of(*first, metric, filter);
      const Value& b = value_of(*second, metric, filter);
      const std::int64_t cluster =
          task.clusters.number.empty() ? static_cast<std::int64_t>(i) : task.clusters.number[i];
      if (is_scalar(a) && is_scalar(b)) {
        scores.first.push_back(jinja::to_double(a));
        scores.second.push_back(jinja::to_double(b));
        scores.clusters.push_back(cluster);
      } else if (is_verdicts(a) && is_verdicts(b) && a.items().size() == b.items().size()) {
        for (std::size_t k = 0; k < a.items().size(); ++k) {
          scores.first.push_back(a.items()[k].as_bool() ? 1 : 0);
          scores.second.push_back(b.items()[k].as_bool() ? 1 : 0);
          scores.clusters.push_back(cluster);
        }
      } else {
        return std::nullopt;
      }
    }
    return scores;
  }

  void fill(ComparedMetric& row, const Scores& scores) const {
    const PairedComparison made = compare_paired({scores.first, scores.second, scores.clusters}, options_.statistics);
    row.a = made.first_mean;
    row.b = made.second_mean;
    row.difference = made.difference;
    row.interval = made.interval;
    row.n = made.samples;
    row.clusters = made.clusters;
    row.p_value = made.p_value();
    const bool mcnemar = made.binary && made.clusters == made.samples;
    row.test = mcnemar ? "mcnemar_exact" : made.permutation_exact ? "permutation_exact" : "permutation";
    row.effect_size = made.effect_size;
    row.detectable_difference = made.detectable_difference;
    if (made.difference != 0) row.samples_needed = made.samples_needed;
    if (made.binary) {
      row.lost = made.only_first;
      row.won = made.only_second;
    }
  }

  ComparedMetric compared(const PairedTask& task, const std::string& metric, const std::string& filter) const {
    ComparedMetric row;
    row.task = task.first->name;
    row.metric = metric;
    row.filter = filter;
    row.higher_is_better = metric_rises(*task.first, metric);
    row.cluster_field = task.clusters.field;
    if (const std::optional<Scores> scores = mean_scores(task, metric, filter)) {
      fill(row, *scores);
      return row;
    }
    const std::string aggregation = aggregation_name(metric);
    std::vector<Value> chosen;
    const SampleStatistic statistic = [&](std::span<const AnsweredSample> samples) {
      chosen.clear();
      for (const AnsweredSample& one : samples) {
        const auto& [first, second] = task.pairs.pairs[one.sample];
        chosen.push_back(value_of(one.second ? *second : *first, metric, filter));
      }
      return aggregate(aggregation, chosen);
    };
    ComparisonOptions statistics = options_.statistics;
    const bool slow = aggregation == "bleu" || aggregation.starts_with("chrf");
    statistics.resamples = std::min(statistics.resamples, slow ? kTranslationDraws : kAggregateDraws);
    const AggregateComparison made =
        compare_aggregates(task.pairs.pairs.size(), task.clusters.number, statistic, statistics);
    row.a = made.first;
    row.b = made.second;
    row.difference = made.difference;
    row.interval = made.interval;
    row.p_value = made.p_value;
    row.test = "permutation";
    row.n = task.pairs.pairs.size();
    row.clusters = made.clusters;
    return row;
  }

  // Holm over the tasks; a second metric stands for its task in a correction of its own.
  void correct() {
    std::vector<std::size_t> primaries;
    for (std::size_t i = 0; i < result_.metrics.size(); ++i) {
      if (result_.metrics[i].primary) primaries.push_back(i);
    }
    for (ComparedMetric& row : result_.metrics) {
      std::vector<double> p_values;
      std::size_t own = 0;
      for (const std::size_t index : primaries) {
        const ComparedMetric& other = result_.metrics[index];
        if (other.task == row.task) own = p_values.size();
        p_values.push_back(other.task == row.task ? row.p_value : other.p_value);
      }
      row.p_holm = holm_correction(p_values)[own];
    }
  }

  [[nodiscard]] std::set<std::string> tasks_below(const std::string& group, int depth = 0) const {
    std::set<std::string> names;
    const auto members = first_.groups.find(group);
    if (members == first_.groups.end() || depth > 20) return {group};
    for (const std::string& member : members->second) names.merge(tasks_below(member, depth + 1));
    return names;
  }

  // All samples of a group's tasks together: the mean weighted by size.
  void add_groups() {
    for (const auto& [group, children] : first_.groups) {
      const std::set<std::string> names = tasks_below(group);
      std::vector<const PairedTask*> members;
      for (const PairedTask& task : tasks_) {
        if (names.contains(task.first->name)) members.push_back(&task);
      }
      if (members.size() < 2 || members.size() != names.size()) continue;
      for (const auto& [metric, filter] : metrics_of(*members.front())) add_group(group, metric, filter, members);
    }
  }

  void add_group(const std::string& group, const std::string& metric, const std::string& filter,
                 const std::vector<const PairedTask*>& members) {
    Scores all;
    std::int64_t offset = 0;
    for (const PairedTask* task : members) {
      const auto& [first, second] = task->pairs.pairs.front();
      if (first->score(metric, filter) == nullptr || second->score(metric, filter) == nullptr) return;
      const std::optional<Scores> scores = mean_scores(*task, metric, filter);
      if (!scores) return;
      all.first.insert(all.first.end(), scores->first.begin(), scores->first.end());
      all.second.insert(all.second.end(), scores->second.begin(), scores->second.end());
      for (const std::int64_t cluster : scores->clusters) all.clusters.push_back(offset + cluster);
      offset += static_cast<std::int64_t>(task->pairs.pairs.size());
    }
    ComparedMetric row;
    row.task = group;
    row.metric = metric;
    row.filter = filter;
    row.is_group = true;
    row.higher_is_better = metric_rises(*members.front()->first, metric);
    row.cluster_field = members.front()->clusters.field;
    fill(row, all);
    result_.metrics.push_back(std::move(row));
  }

  const RecordedRun& first_;
  const RecordedRun& second_;
  const RunComparisonOptions& options_;
  std::vector<PairedTask> tasks_;
  RunComparison result_;
};

}  // namespace

RunComparison compare_runs(const RecordedRun& first, const RecordedRun& second, const RunComparisonOptions& options) {
  return Comparer(first, second, options).run();
}

}  // namespace cambium::tasks
