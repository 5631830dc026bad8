#include "merge/parameter_lookup.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"

namespace cambium::merge {

std::optional<double> look_up(const ParameterInfo& parameter, std::span<const Settings* const> levels,
                              const TensorAspect& aspect, double t, std::string_view where) {
  for (const Settings* level : levels) {
    if (level == nullptr) continue;
    const auto setting = level->find(parameter.name);
    if (setting == level->end()) continue;
    if (const auto value = setting->second.evaluate(parameter, aspect, t)) return value;
  }
  if (parameter.required) {
    throw RecipeError(
        fmt::format("{}: no value of the required parameter '{}' ({})", where, parameter.name, parameter.help));
  }
  return parameter.fallback;
}

bool asks_for_heads(const ParameterInfo& parameter, std::span<const Settings* const> levels) {
  return std::ranges::any_of(levels, [&](const Settings* level) {
    if (level == nullptr) return false;
    const auto setting = level->find(parameter.name);
    return setting != level->end() && setting->second.asks_for_heads();
  });
}

}  // namespace cambium::merge
