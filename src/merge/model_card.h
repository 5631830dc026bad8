#pragma once

#include <string>
#include <string_view>

#include "merge/merge_plan.h"
#include "merge/recipe.h"

namespace cambium::merge {

/// README.md of an output: what it was merged from, by which method, and the recipe; with the metadata block that model
/// hubs read.
/// @param name  the output's folder
[[nodiscard]] std::string model_card(const MergePlan& plan, const Recipe& recipe, std::string_view name,
                                     std::string_view version);

}  // namespace cambium::merge
