#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kQwen2AudioNames[] = {
    {"qwen2_audio"},
    {"Qwen2AudioForConditionalGeneration"},
};

/// Qwen2-Audio: a Whisper encoder and Qwen2.
inline constexpr GraftFamily kQwen2Audio{
    .name = "qwen2_audio",
    .names = kQwen2AudioNames,
    .decoder = "qwen2",
    .roots = kNestedRoots,
    .parts = kAudioParts,
};

}  // namespace cambium::family
