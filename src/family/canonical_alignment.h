#pragma once

#include "family/alignment.h"

namespace cambium::family {

/// Pairs the language tensors (and, of two multimodal models, the others) by canonical name: fills in all of
/// `alignment` but labels and vocabulary. @pre language_known() of both
void align_by_canonical_name(const ModelDescription& base, const ModelDescription& model,
                             const AlignmentOptions& options, Alignment& alignment);

}  // namespace cambium::family
