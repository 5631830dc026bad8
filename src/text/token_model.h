#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/token_table.h"

namespace cambium::text {

/// A token of a word: bytes [begin, end) of the word.
struct WordToken {
  TokenId id = 0;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// Turns one piece of text into tokens by its vocabulary. Safe to use from several threads at once, each with its own
/// Scratch.
class TokenModel {
 public:
  /// Working memory that is kept between words.
  class Scratch {
   public:
    virtual ~Scratch() = default;
  };

  virtual ~TokenModel() = default;
  [[nodiscard]] virtual std::unique_ptr<Scratch> make_scratch() const { return std::make_unique<Scratch>(); }

  /// Appends the tokens of `word` (valid UTF-8, not empty).
  /// @throws ValueError  a part of the word is unknown and the model has no token for that
  virtual void tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const = 0;

  /// If not empty: cutting a piece in front of each run of this character gives the same tokens, so that words can be
  /// looked up.
  [[nodiscard]] virtual std::string_view boundary() const { return {}; }
  /// Whether remembering words pays.
  [[nodiscard]] virtual bool wants_cache() const { return true; }
  /// Whether words can be plain bytes when the pieces would be spelled in the byte alphabet (see byte_level.h).
  [[nodiscard]] virtual bool can_map_bytes() const { return false; }
  /// Words are plain bytes from now on.
  virtual void map_bytes() {}

  /// The tokens without the added ones.
  [[nodiscard]] const TokenTable& vocabulary() const { return vocabulary_; }

 protected:
  explicit TokenModel(TokenTable vocabulary) : vocabulary_(std::move(vocabulary)) {}

 private:
  TokenTable vocabulary_;
};

/// The id that model files use for each byte, <0x00> .. <0xFF>; -1 where the vocabulary has none.
struct ByteTokens {
  explicit ByteTokens(const TokenTable& vocabulary);
  TokenId ids[256];
  /// True if every byte has one.
  bool complete = true;
};

}  // namespace cambium::text
