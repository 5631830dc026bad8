#pragma once

#include <map>
#include <string>
#include <vector>

#include "tasks/score.h"
#include "tasks/task_index.h"

namespace cambium::tasks {

/// The numbers of a group.
struct GroupScore {
  std::string name;
  std::vector<MetricResult> metrics;  ///< empty if the group has no score of its own
  std::size_t documents = 0;          ///< of all its tasks
};

/// Means of the tasks' metrics, weighted by their sizes (or not), with pooled standard errors, as lm-evaluation-harness
/// makes them.
/// @param scores  by task name; a task that is not there is left out
/// @return        the group's subgroups first, then the group
[[nodiscard]] std::vector<GroupScore> score_group(const Group& group, const std::map<std::string, TaskScore>& scores);

}  // namespace cambium::tasks
