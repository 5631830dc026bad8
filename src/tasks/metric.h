#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task_config.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

/// The metrics of an output type whose task file names none.
[[nodiscard]] std::span<const std::string_view> default_metrics(OutputType type);

/// Checks an entry of metric_list. @param free_names  the task has process_results, which may give any metric
/// @throws RecipeError  unknown metric or aggregation (with the nearest known), or an argument it does not take
void check_metric(const MetricConfig& metric, OutputType type, bool free_names);

/// The aggregation of a metric: as configured, else its own; "mean" for what process_results gives.
[[nodiscard]] std::string aggregation_of(const MetricConfig& metric);
[[nodiscard]] bool is_higher_better(const MetricConfig& metric);

}  // namespace cambium::tasks
