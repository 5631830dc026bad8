#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "checkpoint/gguf_metadata.h"

namespace cambium::checkpoint {

/// Numbers of tokenizer.ggml.token_type.
enum class GgufTokenKind : std::int64_t { kUndefined, kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

struct GgufToken {
  std::string text;
  std::int64_t id = 0;
  GgufTokenKind kind = GgufTokenKind::kNormal;
  double score = 0;  ///< SentencePiece's; 0 if the file has none
};

/// The tokens of a GGUF file, spelled as tokenizer.json spells them, without the fillers of unused rows
/// ("[PAD151665]").
class GgufVocabulary {
 public:
  /// @param where  the file's name for messages
  /// @param gemma  spell runs of tabs as Gemma's tokenizer does
  /// @throws CheckpointError  no tokens; a model other than gpt2 and llama; types or scores that are not one a token;
  ///         a token that is not UTF-8, longer than 2 KiB, or there twice
  GgufVocabulary(const GgufMetadata& metadata, std::string_view where, bool gemma);
  GgufVocabulary(const GgufVocabulary&) = delete;
  GgufVocabulary& operator=(const GgufVocabulary&) = delete;

  /// SentencePiece BPE (tokenizer.ggml.model "llama") or byte-level BPE ("gpt2").
  [[nodiscard]] bool sentence_piece() const { return sentence_piece_; }
  /// By rising id.
  [[nodiscard]] const std::vector<GgufToken>& tokens() const { return tokens_; }
  [[nodiscard]] bool contains(std::string_view text) const { return by_text_.contains(text); }
  /// Null for an id without token.
  [[nodiscard]] const GgufToken* token(std::int64_t id) const;
  /// The token that tokenizer.ggml.NAME_token_id names ("bos", "eos", "unknown", "padding"), else what llama.cpp
  /// assumes of SentencePiece files that do not say; or null.
  [[nodiscard]] const GgufToken* special(std::string_view name) const;

 private:
  void read_tokens();
  void index_tokens();
  void restore_blanks(GgufToken& token) const;
  void restore_tab();

  const GgufMetadata& metadata_;
  std::string where_;
  bool sentence_piece_ = false;
  std::vector<GgufToken> tokens_;
  std::unordered_map<std::string_view, const GgufToken*> by_text_;
};

}  // namespace cambium::checkpoint
