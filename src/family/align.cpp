#include <fmt/format.h>

#include <algorithm>

#include "family/alignment.h"
#include "family/canonical_alignment.h"
#include "family/suffix_alignment.h"

namespace cambium::family {
namespace {

const TensorRole* embedding_of(const ModelDescription& model) {
  const auto found = std::ranges::find_if(model.tensors, [](const TensorRole& tensor) {
    return tensor.part == Part::kLanguage && tensor.role == Role::kEmbedding && !tensor.bias &&
           tensor.shape.size() == 2;
  });
  return found == model.tensors.end() ? nullptr : &*found;
}

}  // namespace

Alignment align(const AlignmentSide& base, const AlignmentSide& model, const AlignmentOptions& options) {
  Alignment alignment;
  alignment.base_label = base.label;
  alignment.model_label = model.label;
  for (const AlignmentSide* side : {&base, &model})
    std::ranges::copy(side->description->notes, std::back_inserter(alignment.notes));
  if (base.description->language_known() && model.description->language_known()) {
    align_by_canonical_name(*base.description, *model.description, options, alignment);
  } else {
    align_by_suffix(*base.description, *model.description, options, alignment);
  }
  std::ranges::sort(alignment.base_from_model, {}, &Reading::target);
  std::ranges::sort(alignment.model_from_base, {}, &Reading::target);
  for (std::vector<std::string>* names :
       {&alignment.modality_only, &alignment.base_modality_only, &alignment.buffers}) {
    std::ranges::sort(*names);
    names->erase(std::unique(names->begin(), names->end()), names->end());
  }

  const TensorRole* base_embedding = embedding_of(*base.description);
  const TensorRole* model_embedding = embedding_of(*model.description);
  if (base_embedding != nullptr && model_embedding != nullptr) {
    const bool tokens = !options.vocabulary_by_index;
    alignment.vocabulary = match_vocabularies(tokens ? base.vocabulary : nullptr, base_embedding->shape[0],
                                              tokens ? model.vocabulary : nullptr, model_embedding->shape[0]);
  }
  return alignment;
}

}  // namespace cambium::family
