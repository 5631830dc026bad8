#pragma once

#include <optional>

#include "text/byte_trie.h"
#include "text/token_model.h"

namespace cambium::text {

/// Unigram language model: of all ways to cut a word into tokens the one with the highest sum of scores (Viterbi; of
/// equals the one found first, shorter tokens first). A character no token covers costs the lowest score less 10;
/// neighbouring ones become one unknown token, or the tokens of their bytes. Source: arXiv:1804.10959; details as in
/// Hugging Face's `tokenizers`.
///
/// Cost: O(bytes x longest token).
class UnigramModel final : public TokenModel {
 public:
  /// @param scores  by id, one for each token
  UnigramModel(TokenTable vocabulary, std::vector<double> scores, std::optional<TokenId> unknown, bool byte_fallback);

  [[nodiscard]] std::unique_ptr<Scratch> make_scratch() const override;
  void tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const override;

 private:
  struct Work;
  void emit(std::string_view word, std::uint32_t begin, std::uint32_t end, std::vector<WordToken>& out) const;

  std::vector<double> scores_;
  std::optional<TokenId> unknown_;
  bool byte_fallback_;
  ByteTokens byte_tokens_;
  ByteTrie trie_;
  double unknown_score_ = 0;
};

}  // namespace cambium::text
