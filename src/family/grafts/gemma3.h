#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kGemma3Names[] = {
    {"gemma3"},
    {"Gemma3ForConditionalGeneration"},
};

/// Gemma 3 with its tower.
inline constexpr GraftFamily kGemma3{
    .name = "gemma3",
    .names = kGemma3Names,
    .decoder = "gemma3_text",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
    .tied_by_default = true,
};

}  // namespace cambium::family
