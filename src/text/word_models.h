#pragma once

#include <string>

#include "text/byte_trie.h"
#include "text/token_model.h"

namespace cambium::text {

/// WordPiece (BERT): from the left the longest token that fits; behind the first, tokens carry a prefix ("##"). A word
/// that cannot be covered, or is too long, is one unknown token.
class WordPieceModel final : public TokenModel {
 public:
  WordPieceModel(TokenTable vocabulary, std::string unknown, std::string continuing_prefix, std::size_t longest_word);
  void tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const override;

 private:
  std::string unknown_;
  std::size_t longest_word_;  // characters
  ByteTrie first_;
  ByteTrie continuing_;
};

/// WordLevel: a word is a token or unknown.
class WordLevelModel final : public TokenModel {
 public:
  WordLevelModel(TokenTable vocabulary, std::string unknown);
  void tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const override;
  [[nodiscard]] bool wants_cache() const override { return false; }

 private:
  std::string unknown_;
};

}  // namespace cambium::text
