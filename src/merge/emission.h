#pragma once

#include <string>
#include <vector>

#include "merge/recipe.h"
#include "merge/source.h"
#include "merge/source_pool.h"

namespace cambium::merge {

/// One output of a merge.
struct Emission {
  std::string name;                ///< folder below the output when there are several, else empty
  const Source* layout = nullptr;  ///< whose names, config and files it has
  const Source* carry = nullptr;   ///< whose tensors outside the language it has
};

/// Decides which models come out (`emit`, `carry`).
///
/// Without `emit`: the model of `carry`; else, if all models are language models or all are multimodal, one like
/// base_model (or the first); else the multimodal one. Several multimodal ones beside a language model need `emit`.
/// @throws RecipeError  undecidable, or `emit`/`carry` does not fit the models
[[nodiscard]] std::vector<Emission> emissions_of(const Recipe& recipe, SourcePool& pool);

}  // namespace cambium::merge
