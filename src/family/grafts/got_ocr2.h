#pragma once

#include "family/graft_family.h"

namespace cambium::family {

inline constexpr GraftName kGotOcr2Names[] = {
    {"got_ocr2"},
    {"GotOcr2ForConditionalGeneration"},
};

/// GOT-OCR 2.0: a SAM tower and Qwen2.
inline constexpr GraftFamily kGotOcr2{
    .name = "got_ocr2",
    .names = kGotOcr2Names,
    .decoder = "qwen2",
    .roots = kNestedRoots,
    .parts = kVisionParts,
    .tied_by_default = true,
};

}  // namespace cambium::family
