#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kVideoLlavaNames[] = {
    {"video_llava"},
    {"VideoLlavaForConditionalGeneration"},
};

inline constexpr Rename kVideoLlavaRenames[] = {
    {.from = "image_tower.vision_model.", .to = "image_tower.", .before_452 = true},
    {.from = "video_tower.vision_model.", .to = "video_tower.", .before_452 = true},
};
inline constexpr PartPrefix kVideoLlavaParts[] = {
    {"image_tower.", Part::kVisionTower},
    {"video_tower.", Part::kVisionTower},
    {"multi_modal_projector.", Part::kProjector},
};

/// Video-LLaVA: one tower for pictures and one for clips.
inline constexpr GraftFamily kVideoLlava{
    .name = "video_llava",
    .names = kVideoLlavaNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .renames = kVideoLlavaRenames,
    .parts = kVideoLlavaParts,
};

}  // namespace cambium::family
