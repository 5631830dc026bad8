#include "family/described_model.h"

namespace cambium::family {

AlignmentSide DescribedModel::side() const {
  return {.description = &description, .vocabulary = vocabulary ? &*vocabulary : nullptr, .label = folder.label()};
}

DescribedModel open_described(std::string_view model) {
  checkpoint::ModelFolder folder = checkpoint::ModelFolder::open(model);
  ModelDescription description = describe(folder.config(), folder.tensors(), folder.label());
  std::optional<checkpoint::Vocabulary> vocabulary = checkpoint::Vocabulary::read(folder.path());
  return {.folder = std::move(folder), .description = std::move(description), .vocabulary = std::move(vocabulary)};
}

}  // namespace cambium::family
