#pragma once

#include "family/graft_family.h"
#include "family/grafts/idefics3.h"

namespace cambium::family {

inline constexpr GraftName kIdefics2Names[] = {
    {"idefics2"},
    {"Idefics2ForConditionalGeneration"},
};

/// Idefics2: as Idefics3, above Mistral.
inline constexpr GraftFamily kIdefics2{
    .name = "idefics2",
    .names = kIdefics2Names,
    .decoder = "mistral",
    .roots = kIdefics3Roots,
    .parts = kIdefics3Parts,
};

}  // namespace cambium::family
