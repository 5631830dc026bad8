#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kInternvlNames[] = {
    {"internvl"},
    {"InternVLForConditionalGeneration"},
};

/// InternVL as transformers has it.
inline constexpr GraftFamily kInternvl{
    .name = "internvl",
    .names = kInternvlNames,
    .decoder = "qwen2",
    .roots = kNestedRoots,
    .parts = kVisionParts,
    .tied_by_default = true,
};

}  // namespace cambium::family
