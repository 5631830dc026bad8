#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kVipllavaNames[] = {
    {"vipllava"},
    {"VipLlavaForConditionalGeneration"},
};

/// ViP-LLaVA.
inline constexpr GraftFamily kVipllava{
    .name = "vipllava",
    .names = kVipllavaNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .renames = kVisionRenames,
    .parts = kVisionParts,
};

}  // namespace cambium::family
