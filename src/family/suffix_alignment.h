#pragma once

#include "family/alignment.h"

namespace cambium::family {

/// Pairs the language tensors of models whose family no file describes: same shape (vocabularies: same row size) and
/// the longest common suffix of dotted names, the stripped prefixes being those that most tensors agree on. Layer
/// numbers must agree. Fills in all of `alignment` but labels and vocabulary; what the model has more is modality if
/// the model is multimodal and its name does not begin with the language's prefix, else a problem.
void align_by_suffix(const ModelDescription& base, const ModelDescription& model, const AlignmentOptions& options,
                     Alignment& alignment);

}  // namespace cambium::family
