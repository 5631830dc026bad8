#pragma once

#include <vector>

#include "merge/recipe.h"
#include "merge/source.h"
#include "merge/source_pool.h"
#include "merge/tokenizer_merge.h"

namespace cambium::merge {

/// The small files of an output: those of the model it is made after, with the tokenizer and chat template that the
/// recipe asks for. Sorted by name.
/// @param vocabulary  null if the recipe asks for no tokenizer
[[nodiscard]] std::vector<CompanionFile> output_companions(const Recipe& recipe, SourcePool& pool, const Source& layout,
                                                           const MergedVocabulary* vocabulary);

}  // namespace cambium::merge
