#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace cambium::eval {

using Tokens = std::vector<text::TokenId>;

/// What is scored: log p(continuation | context). Both have at least one token.
struct TokenSplit {
  Tokens context;
  Tokens continuation;
  friend bool operator==(const TokenSplit&, const TokenSplit&) = default;
};

/// Turns texts into tokens by the rules of lm-evaluation-harness 0.4.13, which decide the numbers.
class TokenSplitter {
 public:
  /// @param tokenizer  must outlive this
  /// @throws CheckpointError  the tokenizer has neither a beginning nor an end token
  explicit TokenSplitter(const text::Tokenizer& tokenizer);

  /// The token in front of a text that has no context: beginning of text, else end of text.
  [[nodiscard]] text::TokenId prefix() const { return prefix_; }

  /// Whether the tokenizer's special tokens are put around a text.
  [[nodiscard]] bool adds_special(std::string_view text) const { return !text.starts_with(prefix_text_); }
  /// Special tokens are added as the tokenizer does, but not to a text that begins with the prefix token's text.
  [[nodiscard]] Tokens encode(std::string_view text) const;
  /// A prompt to generate from: the beginning token's text alone keeps special tokens away. Only the last `longest`
  /// tokens are kept.
  [[nodiscard]] Tokens encode_prompt(std::string_view text, std::size_t longest) const;

  /// White space at the context's end moves to the continuation; context + continuation and context are tokenized as
  /// whole texts, and the continuation is what exceeds the context's number of tokens. Cut on the left to max_length +
  /// 1 tokens (the last one is never read).
  /// @throws ValueError  the continuation adds no token, or has more than max_length
  [[nodiscard]] TokenSplit split(std::string_view context, std::string_view continuation, std::size_t max_length) const;
  /// The same with several continuations of one context, whose tokens are made once.
  [[nodiscard]] std::vector<TokenSplit> split(std::string_view context,
                                              const std::vector<std::string_view>& continuations,
                                              std::size_t max_length) const;

  /// A whole text in windows of at most max_length tokens, each token scored once: the first window follows the prefix
  /// token, later ones have just as much left context as fits beside what is new.
  [[nodiscard]] std::vector<TokenSplit> windows(std::string_view text, std::size_t max_length) const;

 private:
  const text::Tokenizer& tokenizer_;
  text::TokenId prefix_ = 0;
  std::string prefix_text_;
  std::string beginning_text_;  ///< empty: none
};

}  // namespace cambium::eval
