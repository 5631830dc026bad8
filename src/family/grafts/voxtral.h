#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kVoxtralNames[] = {
    {"voxtral"},
    {"VoxtralForConditionalGeneration"},
};

/// Voxtral: a Whisper encoder and Llama or Mistral.
inline constexpr GraftFamily kVoxtral{
    .name = "voxtral",
    .names = kVoxtralNames,
    .decoder = "llama",
    .roots = kNestedRoots,
    .parts = kAudioParts,
};

}  // namespace cambium::family
