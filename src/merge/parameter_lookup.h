#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "merge/method_info.h"
#include "merge/recipe.h"

namespace cambium::merge {

/// Asks the levels of a recipe for a parameter, nearest first (a source's, its slice's, the module's, the recipe's).
///
/// @param levels  nearest first; null ones are skipped
/// @param t       place of the tensor's layer in its slice, 0..1
/// @param where   what the message names when nothing is found
/// @return        the first level's value that fits the tensor, else the method's own; nothing if the method needs none
/// @throws RecipeError  the parameter is required and no level has it for this tensor
[[nodiscard]] std::optional<double> look_up(const ParameterInfo& parameter, std::span<const Settings* const> levels,
                                            const TensorAspect& aspect, double t, std::string_view where);

/// Some level asks for heads when it is asked for this parameter.
[[nodiscard]] bool asks_for_heads(const ParameterInfo& parameter, std::span<const Settings* const> levels);

}  // namespace cambium::merge
