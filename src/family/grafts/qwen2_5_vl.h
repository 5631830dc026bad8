#pragma once

#include "family/graft_family.h"
#include "family/grafts/qwen2_vl.h"

namespace cambium::family {

inline constexpr GraftName kQwen25VlNames[] = {
    {"qwen2_5_vl"},
    {"Qwen2_5_VLForConditionalGeneration"},
};

/// Qwen2.5-VL: as Qwen2-VL, with another tower.
inline constexpr GraftFamily kQwen25Vl{
    .name = "qwen2_5_vl",
    .names = kQwen25VlNames,
    .decoder = "qwen2_vl_text",
    .roots = kQwen2VlRoots,
    .parts = kQwen2VlParts,
};

}  // namespace cambium::family
