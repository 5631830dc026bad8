#include "tasks/group_score.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace cambium::tasks {
namespace {

/// One metric of one task.
struct Part {
  double value = 0;
  std::optional<double> standard_error;
  double size = 0;
  bool higher_is_better = true;
};

const MetricResult* find(const TaskScore& score, std::string_view metric, std::string_view filter) {
  const auto found = std::ranges::find_if(
      score.metrics, [&](const MetricResult& result) { return result.metric == metric && result.filter == filter; });
  return found == score.metrics.end() ? nullptr : &*found;
}

// The tasks' standard errors pooled: of the mean over all documents, or of the mean of the tasks' means.
std::optional<double> pooled_error(const std::vector<Part>& parts, bool weighted) {
  double sum = 0;
  double documents = 0;
  for (const Part& part : parts) {
    if (!part.standard_error) return std::nullopt;
    const double variance = *part.standard_error * *part.standard_error;
    sum += weighted ? (part.size - 1) * variance * part.size : variance;
    documents += part.size;
  }
  const auto count = static_cast<double>(parts.size());
  return weighted ? std::sqrt(sum / (documents - count) / documents) : std::sqrt(sum) / count;
}

MetricResult combined(const GroupMetric& metric, const std::string& filter, const std::vector<Part>& parts) {
  double sum = 0;
  double weights = 0;
  double documents = 0;
  for (const Part& part : parts) {
    const double weight = metric.weight_by_size ? part.size : 1;
    sum += part.value * weight;
    weights += weight;
    documents += part.size;
  }
  return {.metric = metric.metric,
          .filter = filter,
          .value = sum / weights,
          .standard_error = pooled_error(parts, metric.weight_by_size),
          .count = static_cast<std::size_t>(documents),
          .higher_is_better = parts.front().higher_is_better};
}

}  // namespace

std::vector<GroupScore> score_group(const Group& group, const std::map<std::string, TaskScore>& scores) {
  std::vector<GroupScore> result;
  for (const Group& child : group.groups) {
    for (GroupScore& inner : score_group(child, scores)) result.push_back(std::move(inner));
  }
  GroupScore own{.name = group.name, .metrics = {}, .documents = 0};
  std::vector<const TaskScore*> parts_of;
  for (const std::string& name : group.all_tasks()) {
    const auto found = scores.find(name);
    if (found == scores.end()) continue;
    parts_of.push_back(&found->second);
    own.documents += found->second.documents;
  }
  for (const GroupMetric& metric : group.metrics) {
    std::set<std::string> filters(metric.filters.begin(), metric.filters.end());
    if (filters.empty()) {
      for (const TaskScore* score : parts_of) {
        for (const MetricResult& one : score->metrics) {
          if (one.metric == metric.metric) filters.insert(one.filter);
        }
      }
    }
    for (const std::string& filter : filters) {
      std::vector<Part> parts;
      for (const TaskScore* score : parts_of) {
        const MetricResult* one = find(*score, metric.metric, filter);
        if (one == nullptr) continue;
        parts.push_back(
            {one->value, one->standard_error, static_cast<double>(score->documents), one->higher_is_better});
      }
      if (!parts.empty()) own.metrics.push_back(combined(metric, filter, parts));
    }
  }
  result.push_back(std::move(own));
  return result;
}

}  // namespace cambium::tasks
