#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "family/model_description.h"
#include "merge/method_info.h"
#include "merge/recipe.h"
#include "merge/source_pool.h"

namespace cambium::merge {

/// A model's run of layers in a slice.
struct SliceSource {
  const Source* source = nullptr;
  std::int64_t first_layer = 0;
  const Settings* settings = nullptr;  ///< null for a base that the recipe does not list
  bool is_base = false;                ///< and the method cares
};

/// A run of output layers, opened and checked.
struct Slice {
  std::vector<SliceSource> sources;
  const Settings* settings = nullptr;  ///< null when written as `models`
  std::int64_t layers = 0;
  std::string where;  ///< for messages
};

/// One part of the output and what it is merged from.
struct MergeModule {
  const ModuleSpec* spec = nullptr;
  std::vector<family::Part> parts;  ///< of the model that comes out; empty: all
  bool whole = true;                ///< one slice that holds all layers (`models`)
  std::vector<Slice> slices;

  [[nodiscard]] bool covers(family::Part part) const;
};

/// Opens the recipe's models and checks how many there are, where the base is, and that the layers fit.
///
/// A base_model that `models` does not list is appended as the last input, as mergekit does.
/// @param layout  the model whose form the output has
/// @throws RecipeError  unknown module, a model twice in a slice, too few or many inputs, no base where one is needed,
/// layers
///         that do not fit
[[nodiscard]] std::vector<MergeModule> open_modules(const Recipe& recipe, SourcePool& pool, const MethodInfo& method,
                                                    const Source& layout);

}  // namespace cambium::merge
