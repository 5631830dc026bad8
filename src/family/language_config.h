#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "family/model_description.h"

namespace cambium::family {

struct DecoderFamily;

/// The object of config.json that holds the language model's sizes: text_config, llm_config, ... or the whole config.
struct TextConfig {
  const checkpoint::Json* object = nullptr;
  std::string path;     ///< for messages: "text_config" or "" for the whole
  bool nested = false;  ///< not the whole
};
/// @throws CheckpointError  such a key is there but is no object
[[nodiscard]] TextConfig find_text_config(const checkpoint::Json& config, std::string_view where);

/// A string member, or nothing if it is absent or null. @throws CheckpointError  another type
[[nodiscard]] std::optional<std::string> string_member(const checkpoint::Json& object, std::string_view key,
                                                       std::string_view where);
/// A flag, or nothing if it is absent or null. @throws CheckpointError  another type
[[nodiscard]] std::optional<bool> flag_member(const checkpoint::Json& object, std::string_view key,
                                              std::string_view where);

/// The sizes, in the decoder family's words and with its defaults; num_layers counts all layers of the file here.
/// tie_word_embeddings is left false: it needs the file's tensors (see describe).
/// @throws CheckpointError  a size that is not a positive integer, too large, or does not divide as it must (key,
/// found, expected)
[[nodiscard]] LanguageConfig read_language_config(const DecoderFamily& decoder, const TextConfig& text,
                                                  std::string_view where);

/// Numbers of the layers inserted between the base LLM's (ascending); empty for families without.
/// @throws CheckpointError  not a list of distinct layer numbers below num_layers
[[nodiscard]] std::vector<int> read_inserted_layers(const DecoderFamily& decoder, const TextConfig& text,
                                                    std::int64_t num_layers, std::string_view where);

}  // namespace cambium::family
