#include "merge/recover_recipe.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <array>

#include "merge/method_table.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

// Shortest text that reads back as the same number.
std::string word(double value) { return fmt::format("{}", value); }

}  // namespace

std::string recover_recipe(const RecoverOptions& options) {
  const MethodInfo& method = *find_method(options.method).info;
  static constexpr std::array<std::string_view, 3> kScales{"alpha", "weight", "t"};
  const ParameterInfo* scale = nullptr;
  for (const std::string_view name : kScales) {
    if (scale == nullptr) scale = method.find_parameter(name);
  }
  if (scale == nullptr || method.base != BaseUse::kRequired) {
    throw UsageError(
        fmt::format("--method {}: not one that adds to a base by a scale; use recover, task_arithmetic, ties, "
                    "dare_ties, della, breadcrumbs, slerp ...",
                    options.method));
  }
  YAML::Node recipe;
  recipe["merge_method"] = options.method;
  recipe["base_model"] = options.model;
  YAML::Node model;
  model["model"] = options.base;
  recipe["models"].push_back(model);
  recipe["parameters"][std::string(scale->name)] = word(options.alpha);
  if (method.find_parameter("density") != nullptr) recipe["parameters"]["density"] = word(options.density);
  // A single task vector that is divided by its own weight would lose alpha.
  if (options.method != "recover" && method.find_parameter("normalize") != nullptr) {
    recipe["parameters"]["normalize"] = "false";
  }
  if (options.scope != "tensor") recipe["scope"] = options.scope;
  if (!options.embeddings.empty()) recipe["embeddings"] = options.embeddings;
  if (!options.dtype.empty()) recipe["dtype"] = options.dtype;
  if (options.seed != 0) recipe["seed"] = options.seed;
  for (const std::string& each : options.only) recipe["only"].push_back(each);
  for (const std::string& each : options.except) recipe["except"].push_back(each);
  return YAML::Dump(recipe) + "\n";
}

}  // namespace cambium::merge
