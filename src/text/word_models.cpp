#include "text/word_models.h"

#include <fmt/format.h>

#include "tensor/error.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

WordToken unknown_word(const TokenTable& vocabulary, const std::string& unknown, std::string_view word) {
  const auto id = vocabulary.find(unknown);
  if (!id)
    throw ValueError(
        fmt::format("'{}' is not in the vocabulary, and neither is the unknown token '{}'", word, unknown));
  return {*id, 0, static_cast<std::uint32_t>(word.size())};
}

}  // namespace

WordPieceModel::WordPieceModel(TokenTable vocabulary, std::string unknown, std::string continuing_prefix,
                               std::size_t longest_word)
    : TokenModel(std::move(vocabulary)), unknown_(std::move(unknown)), longest_word_(longest_word) {
  std::vector<std::pair<std::string_view, std::int32_t>> first;
  std::vector<std::pair<std::string_view, std::int32_t>> continuing;
  for (std::size_t i = 0; i < this->vocabulary().id_bound(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const auto token = this->vocabulary().token(id);
    if (!token) continue;
    first.emplace_back(*token, id);
    if (token->starts_with(continuing_prefix)) continuing.emplace_back(token->substr(continuing_prefix.size()), id);
  }
  first_ = ByteTrie(std::move(first));
  continuing_ = ByteTrie(std::move(continuing));
}

void WordPieceModel::tokenize(std::string_view word, Scratch& /*scratch*/, std::vector<WordToken>& out) const {
  const std::size_t before = out.size();
  if (utf8::count(word) > longest_word_) {
    out.push_back(unknown_word(vocabulary(), unknown_, word));
    return;
  }
  for (std::size_t begin = 0; begin < word.size();) {
    const auto found = (begin == 0 ? first_ : continuing_).longest(word.substr(begin));
    if (found.length == 0) {
      out.resize(before);
      out.push_back(unknown_word(vocabulary(), unknown_, word));
      return;
    }
    out.push_back({found.value, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + found.length)});
    begin += found.length;
  }
}

WordLevelModel::WordLevelModel(TokenTable vocabulary, std::string unknown)
    : TokenModel(std::move(vocabulary)), unknown_(std::move(unknown)) {}

void WordLevelModel::tokenize(std::string_view word, Scratch& /*scratch*/, std::vector<WordToken>& out) const {
  const auto id = vocabulary().find(word);
  out.push_back(id ? WordToken{*id, 0, static_cast<std::uint32_t>(word.size())}
                   : unknown_word(vocabulary(), unknown_, word));
}

}  // namespace cambium::text
