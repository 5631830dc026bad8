#pragma once

#include <string>
#include <utility>
#include <vector>

namespace cambium::model {

/// Settings of a recipe and their new values: {"parameters.alpha", "0.1"}.
using RecipeSettings = std::vector<std::pair<std::string, std::string>>;

}  // namespace cambium::model
