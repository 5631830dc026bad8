#pragma once

#include <string>

#include "checkpoint/content_hash.h"
#include "merge/merge_plan.h"
#include "merge/recipe.h"

namespace cambium::merge {

/// A hash of everything that decides the bytes of an output: recipe, options, every number of every tensor, and the
/// inputs as they lie on disk (sizes, places and times of their files, not their contents).
///
/// Equal for the same plan on each machine that sees the same files; a run is resumed only with an equal one.
[[nodiscard]] checkpoint::ContentHash identity_of(const MergePlan& plan, const Recipe& recipe);

/// What decides one tensor's values, given the inputs' files: texts are equal for equal values.
[[nodiscard]] std::string identity_text(const PlannedTensor& tensor);
/// Of that, which values a part reads.
[[nodiscard]] std::string input_text(const PlannedTensor& tensor, const PlannedPart& part);

}  // namespace cambium::merge
