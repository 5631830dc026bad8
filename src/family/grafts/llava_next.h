#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kLlavaNextNames[] = {
    {"llava_next"},
    {"LlavaNextForConditionalGeneration"},
};

/// LLaVA-NeXT (1.6): LLaVA's form with tiles and a learned line break.
inline constexpr GraftFamily kLlavaNext{
    .name = "llava_next",
    .names = kLlavaNextNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
};

}  // namespace cambium::family
