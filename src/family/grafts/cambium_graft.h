#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kCambiumGraftNames[] = {
    {"cambium_graft"},
    {"CambiumGraft"},
};

inline constexpr PartPrefix kCambiumGraftParts[] = {
    {"vision_tower.", Part::kVisionTower},  {"video_tower.", Part::kVisionTower},
    {"audio_tower.", Part::kAudioTower},    {"multi_modal_projector.", Part::kProjector},
    {"video_projector.", Part::kProjector}, {"audio_projector.", Part::kProjector},
};

/// Cambium's own form: any of pictures, clips and sounds, each with a tower and a projector (docs/grafts.md). Pictures'
/// tensors have the names that LLaVA's have.
inline constexpr GraftFamily kCambiumGraft{
    .name = "cambium_graft",
    .names = kCambiumGraftNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .parts = kCambiumGraftParts,
};

}  // namespace cambium::family
