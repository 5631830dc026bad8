#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kQwen2VlNames[] = {
    {"qwen2_vl"},
    {"Qwen2VLForConditionalGeneration"},
};

inline constexpr LanguageRoot kQwen2VlRoots[] = {
    {.layout = "saved", .prefix = "model.", .head = "lm_head"},
    {.layout = "module", .prefix = "model.language_model.", .head = "lm_head", .strip = "model."},
};
inline constexpr PartPrefix kQwen2VlParts[] = {
    {"visual.merger.", Part::kProjector},
    {"visual.", Part::kVisionTower},
};

/// Qwen2-VL: before transformers 4.52 and as saved today the language model's names are those of Qwen2 itself.
inline constexpr GraftFamily kQwen2Vl{
    .name = "qwen2_vl",
    .names = kQwen2VlNames,
    .decoder = "qwen2_vl_text",
    .roots = kQwen2VlRoots,
    .parts = kQwen2VlParts,
};

}  // namespace cambium::family
