#pragma once

#include <string>

#include "tasks/comparison/run_comparison.h"

namespace cambium::cli {

/// The page of `compare --html`: forest plot and table. Self-contained.
[[nodiscard]] std::string compare_page(const tasks::RunComparison& comparison);

}  // namespace cambium::cli
