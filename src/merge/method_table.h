#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "merge/method_info.h"
#include "merge/tensor_task.h"

namespace cambium::merge {

class TensorRun;

/// A row of the table: one struct of methods/.
struct Method {
  const MethodInfo* info;
  /// Merges one tensor; inputs, counts and shapes have been checked.
  void (*merge)(TensorRun& run);
  /// @throws ValueError  a parameter's value is outside the method's range (may be null: any value goes)
  void (*check)(const TensorTask& task);
};

/// Every merge method, sorted as listed in the docs. Recipes, --help, docs and tests walk it.
[[nodiscard]] std::span<const Method> method_table();

/// @throws RecipeError  unknown name; the message offers the nearest known ones
[[nodiscard]] const Method& find_method(std::string_view name);

/// Can this method work with so many inputs?
///
/// @param inputs    number of inputs, the base among them
/// @param has_base  one of them is the base
/// @param where     what the message names: a tensor, or a slice of the recipe
/// @throws RecipeError  no base where one is required, too few or too many inputs
void check_inputs(const MethodInfo& info, std::size_t inputs, bool has_base, std::string_view where);

/// Up to `most` names of `known` nearest to `name` by edit distance, nearest first; empty if none is near.
/// @return  "did you mean 'a' or 'b'?", or "known: a, b, c" if none is near
[[nodiscard]] std::string nearest_names(std::string_view name, std::span<const std::string_view> known);

}  // namespace cambium::merge
