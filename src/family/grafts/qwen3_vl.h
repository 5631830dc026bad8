#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kQwen3VlNames[] = {
    {"qwen3_vl"},
    {"Qwen3VLForConditionalGeneration"},
};

inline constexpr LanguageRoot kQwen3VlRoots[] = {
    {.layout = "saved", .prefix = "model.language_model.", .head = "lm_head"},
};
inline constexpr PartPrefix kQwen3VlParts[] = {
    {"model.visual.merger.", Part::kProjector},
    {"model.visual.deepstack_merger_list.", Part::kProjector},
    {"model.visual.", Part::kVisionTower},
};

/// Qwen3-VL (dense): always saved as the module names it.
inline constexpr GraftFamily kQwen3Vl{
    .name = "qwen3_vl",
    .names = kQwen3VlNames,
    .decoder = "qwen3",
    .roots = kQwen3VlRoots,
    .parts = kQwen3VlParts,
};

}  // namespace cambium::family
