#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "checkpoint/model_folder.h"
#include "checkpoint/vocabulary.h"
#include "family/alignment.h"
#include "family/model_description.h"

namespace cambium::family {

/// A model folder with what its family says of it.
struct DescribedModel {
  checkpoint::ModelFolder folder;
  ModelDescription description;
  std::optional<checkpoint::Vocabulary> vocabulary;  ///< nothing without tokenizer.json

  [[nodiscard]] AlignmentSide side() const;
};

/// Opens a folder or a name in the Hugging Face cache and describes it. @throws CheckpointError as ModelFolder and
/// describe
[[nodiscard]] DescribedModel open_described(std::string_view model);

}  // namespace cambium::family
