#pragma once

#include <string>

#include "text/jinja_value.h"

namespace cambium::eval {

/// The Markdown table that lm-evaluation-harness prints: a row a metric, groups above their tasks; empty if there is
/// none.
/// @param results  as harness_results made them @param part  "results" or "groups"
[[nodiscard]] std::string result_table(const text::jinja::Value& results, std::string_view part);

}  // namespace cambium::eval
