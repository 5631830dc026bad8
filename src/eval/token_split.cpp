#include "eval/token_split.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"
#include "text/jinja_unicode.h"

namespace cambium::eval {

namespace {

TokenSplit cut(Tokens context, Tokens continuation, std::size_t max_length) {
  if (continuation.empty()) {
    throw ValueError("the continuation adds no token to its context");
  }
  if (continuation.size() > max_length) {
    throw ValueError(
        fmt::format("the continuation has {} tokens, but the model reads at most {}", continuation.size(), max_length));
  }
  const std::size_t total = context.size() + continuation.size();
  if (total > max_length + 1) {
    context.erase(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(total - max_length - 1));
  }
  return {std::move(context), std::move(continuation)};
}

}  // namespace

TokenSplitter::TokenSplitter(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  const text::SpecialTokens& special = tokenizer.special_tokens();
  const std::optional<text::TokenId> prefix = special.bos ? special.bos : special.eos;
  if (!prefix) {
    throw CheckpointError(
        "the tokenizer names neither a beginning nor an end token (bos_token, eos_token in tokenizer_config.json); one "
        "is needed in front of texts without context");
  }
  prefix_ = *prefix;
  prefix_text_ = tokenizer.decode({&prefix_, 1});
  if (special.bos) beginning_text_ = tokenizer.token(*special.bos).value_or("");
}

Tokens TokenSplitter::encode(std::string_view text) const { return tokenizer_.ids(text, adds_special(text)); }

Tokens TokenSplitter::encode_prompt(std::string_view text, std::size_t longest) const {
  const bool has_beginning = !beginning_text_.empty() && text.starts_with(beginning_text_);
  Tokens tokens = tokenizer_.ids(text, !has_beginning);
  if (tokens.size() > longest) tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(longest));
  if (tokens.empty()) tokens.push_back(prefix_);
  return tokens;
}

TokenSplit TokenSplitter::split(std::string_view context, std::string_view continuation, std::size_t max_length) const {
  return std::move(split(context, std::vector{continuation}, max_length).front());
}

std::vector<TokenSplit> TokenSplitter::split(std::string_view context,
                                             const std::vector<std::string_view>& continuations,
                                             std::size_t max_length) const {
  std::vector<TokenSplit> splits;
  const std::string_view stripped = text::jinja::strip(context, false, true);
  const std::string_view moved = context.substr(stripped.size());
  if (stripped.empty()) {
    for (const std::string_view continuation : continuations) {
      Tokens tokens = tokenizer_.ids(std::string(moved).append(continuation), false);
      if (!tokens.empty() && tokens.front() == prefix_) tokens.erase(tokens.begin());
      splits.push_back(cut({prefix_}, std::move(tokens), max_length));
    }
    return splits;
  }
  const Tokens before = encode(stripped);
  std::string whole;
  for (const std::string_view continuation : continuations) {
    whole.assign(context).append(continuation);
    Tokens tokens = encode(whole);
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(std::min(before.size(), tokens.size())));
    splits.push_back(cut(before, std::move(tokens), max_length));
  }
  return splits;
}

std::vector<TokenSplit> TokenSplitter::windows(std::string_view text, std::size_t max_length) const {
  const Tokens tokens = encode(text);
  std::vector<TokenSplit> windows;
  const auto piece = [&](std::size_t begin, std::size_t end) {
    return Tokens(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                  tokens.begin() + static_cast<std::ptrdiff_t>(end));
  };
  for (std::size_t done = 0; done < tokens.size();) {
    const std::size_t fresh = std::min(max_length, tokens.size() - done);
    const std::size_t end = done + fresh;
    windows.push_back({done == 0 ? Tokens{prefix_} : piece(end - max_length - 1, done), piece(done, end)});
    done = end;
  }
  return windows;
}

}  // namespace cambium::eval
