#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "checkpoint/gguf_metadata.h"

namespace cambium::checkpoint {

/// What the tokenizer's files need to know beside the metadata.
struct GgufTokenizerOptions {
  std::string architecture;     ///< row of the architecture table: "llama", "gemma3"
  std::int64_t vocabulary = 0;  ///< rows of the embedding: no token may lie behind them
  std::int64_t context_length = 0;
  std::string pre_tokenizer{};  ///< replaces the file's tokenizer.ggml.pre if not empty
};

/// The tokenizer of a GGUF file as Hugging Face has it: contents by file name (tokenizer.json, tokenizer_config.json,
/// chat_template.jinja, additional_chat_templates/NAME.jinja). Encoding with this tokenizer.json gives the ids that the
/// original model's tokenizer gives.
///
/// Byte-level BPE (tokenizer.ggml.model "gpt2") takes its merges from the file and its splitting of text from the name
/// in tokenizer.ggml.pre. SentencePiece BPE ("llama") has scores instead of merges: a pair may merge if both halves and
/// the whole are tokens, best score first. Control tokens become special added tokens, user-defined ones plain added
/// tokens; fillers of unused rows ("[PAD151665]") are left out.
///
/// A file that carries the original tokenizer.json (tokenizer.huggingface.json) gets it back as it is.
/// @param where  the file's name for messages
/// @throws CheckpointError  no tokenizer; a kind other than the two; a pre-tokenizer that is unknown, or not named
/// where
///         the model does not tell; tokens, types, scores or merges that do not fit each other; a token twice or not
///         UTF-8
/// Cost: seconds for 256,000 tokens at most.
[[nodiscard]] std::map<std::string, std::string> tokenizer_from_gguf(const GgufMetadata& metadata,
                                                                     std::string_view where,
                                                                     const GgufTokenizerOptions& options);

}  // namespace cambium::checkpoint
