#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kIdefics3Names[] = {
    {"idefics3"},
    {"Idefics3ForConditionalGeneration"},
    {"smolvlm"},
    {"SmolVLMForConditionalGeneration"},
};

inline constexpr LanguageRoot kIdefics3Roots[] = {
    {.layout = "saved", .prefix = "model.text_model.", .head = "lm_head"},
};
inline constexpr PartPrefix kIdefics3Parts[] = {
    {"model.vision_model.", Part::kVisionTower},
    {"model.connector.", Part::kProjector},
};

/// Idefics3 and SmolVLM: SigLIP and Llama, always saved as the module names it.
inline constexpr GraftFamily kIdefics3{
    .name = "idefics3",
    .names = kIdefics3Names,
    .decoder = "llama",
    .roots = kIdefics3Roots,
    .parts = kIdefics3Parts,
};

}  // namespace cambium::family
