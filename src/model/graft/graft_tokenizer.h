#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "model/media/modality.h"

namespace cambium::model {

/// A word that stands for items of a modality.
struct PlaceholderToken {
  Modality modality = Modality::kImage;
  std::string text;
  std::int64_t id = -1;
};

/// The small files of a grafted model that come from its language model.
struct GraftedText {
  std::map<std::string, std::string> files;  ///< name -> contents
  std::vector<PlaceholderToken> tokens;      ///< with their ids
  std::int64_t vocabulary_size = 0;          ///< highest id + 1
};

/// Tokenizer files with the placeholders as special tokens (those that the vocabulary lacks get the next free ids), the
/// generation config, and a chat template that takes messages of text and of parts: the language model's own behind a
/// few lines that write a placeholder for each part that is no text. A model without template gets LLaVA's "USER: ...
/// ASSISTANT:".
/// @param folder  of the language model
/// @throws CheckpointError  no tokenizer, or malformed
[[nodiscard]] GraftedText grafted_text(const std::filesystem::path& folder, std::vector<PlaceholderToken> tokens);

}  // namespace cambium::model
