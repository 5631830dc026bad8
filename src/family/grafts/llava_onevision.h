#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kLlavaOnevisionNames[] = {
    {"llava_onevision"},
    {"LlavaOnevisionForConditionalGeneration"},
};

/// LLaVA-OneVision: SigLIP and, mostly, Qwen2.
inline constexpr GraftFamily kLlavaOnevision{
    .name = "llava_onevision",
    .names = kLlavaOnevisionNames,
    .decoder = "qwen2",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
};

}  // namespace cambium::family
