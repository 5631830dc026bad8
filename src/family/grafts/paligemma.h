#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kPaligemmaNames[] = {
    {"paligemma"},
    {"PaliGemmaForConditionalGeneration"},
};

/// PaliGemma 1 and 2: SigLIP and Gemma or Gemma 2.
inline constexpr GraftFamily kPaligemma{
    .name = "paligemma",
    .names = kPaligemmaNames,
    .decoder = "gemma",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
    .tied_by_default = true,
};

}  // namespace cambium::family
