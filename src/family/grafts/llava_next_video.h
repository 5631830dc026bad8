#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kLlavaNextVideoNames[] = {
    {"llava_next_video"},
    {"LlavaNextVideoForConditionalGeneration"},
};

/// LLaVA-NeXT-Video.
inline constexpr GraftFamily kLlavaNextVideo{
    .name = "llava_next_video",
    .names = kLlavaNextVideoNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
};

}  // namespace cambium::family
