#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kMllamaNames[] = {
    {"mllama"},
    {"MllamaForConditionalGeneration"},
};

/// Llama 3.2 Vision: the tower is read by cross-attention layers between the language layers (decoders/mllama_text.h).
inline constexpr GraftFamily kMllama{
    .name = "mllama",
    .names = kMllamaNames,
    .decoder = "mllama_text",
    .roots = kNestedRoots,
    .parts = kVisionParts,
};

}  // namespace cambium::family
