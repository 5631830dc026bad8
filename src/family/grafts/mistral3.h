#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kMistral3Names[] = {
    {"mistral3"},
    {"Mistral3ForConditionalGeneration"},
};

/// Mistral Small 3.1: Pixtral's tower and Mistral.
inline constexpr GraftFamily kMistral3{
    .name = "mistral3",
    .names = kMistral3Names,
    .decoder = "mistral",
    .roots = kNestedRoots,
    .parts = kVisionParts,
    .tied_by_default = true,
};

}  // namespace cambium::family
