#pragma once

#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace cambium::text {

/// Text of tokens as they come, for showing a generation while it runs: what push() and finish() return, joined, is
/// decode(all tokens). Never half a character: text is held back while a later token may still change it.
class StreamDecoder {
 public:
  /// @param tokenizer  must outlive the decoder
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true)
      : tokenizer_(&tokenizer), skip_special_(skip_special) {}

  /// Takes the next token; returns the text that is now certain, often empty.
  [[nodiscard]] std::string push(TokenId id);
  /// Returns what was held back, and is ready for another stream.
  [[nodiscard]] std::string finish();

 private:
  [[nodiscard]] std::string fresh_text() const;

  const Tokenizer* tokenizer_;
  bool skip_special_;
  // The tokens since a place where text was certain; those before `known_` were decoded as `known_text_`, which was
  // given out.
  std::vector<TokenId> window_;
  std::size_t known_ = 0;
  std::string known_text_;
};

}  // namespace cambium::text
