#include "text/added_tokens.h"

#include <algorithm>

#include "text/char_class.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

bool ends_with_word(std::string_view text) {
  if (text.empty()) return false;
  std::size_t position = text.size();
  return CharClasses::get().is(utf8::previous(text, position), kWord);
}

bool starts_with_word(std::string_view text) {
  if (text.empty()) return false;
  std::size_t position = 0;
  return CharClasses::get().is(utf8::next(text, position), kWord);
}

std::size_t white_space_end(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t position = 0; position < text.size(); end = position) {
    if (!CharClasses::get().is(utf8::next(text, position), kWhiteSpace)) break;
  }
  return end;
}

std::size_t white_space_begin(std::string_view text) {
  std::size_t begin = text.size();
  for (std::size_t position = text.size(); position > 0; begin = position) {
    if (!CharClasses::get().is(utf8::previous(text, position), kWhiteSpace)) break;
  }
  return begin;
}

}  // namespace

std::uint32_t leading_white_space(std::string_view text) {
  return static_cast<std::uint32_t>(utf8::count(text.substr(0, white_space_end(text))));
}

std::uint32_t trailing_white_space(std::string_view text) {
  return static_cast<std::uint32_t>(utf8::count(text.substr(white_space_begin(text))));
}

TokenId AddedTokens::add(const AddedToken& token, const TokenTable& vocabulary) {
  if (token.content.empty()) return -1;
  if (token.special && special_.insert(token.content).second) special_order_.push_back(token.content);
  if (const auto known = id(token.content); known && by_id_.at(*known) == token) return *known;

  TokenId new_id = 0;
  if (const auto known = id(token.content)) {
    new_id = *known;
  } else if (const auto in_model = vocabulary.find(token.content)) {
    new_id = *in_model;
  } else {
    new_id = std::max(highest_ + 1, static_cast<TokenId>(vocabulary.count()));
  }
  highest_ = std::max(highest_, new_id);
  ids_[token.content] = new_id;
  by_id_[new_id] = token;
  if (!special_.contains(token.content)) other_order_.push_back(token.content);
  return new_id;
}

void AddedTokens::prepare(const Normalizer* normalizer) {
  std::vector<std::pair<std::string_view, std::int32_t>> plain;
  std::vector<std::pair<std::string_view, std::int32_t>> normalized;
  normalized_forms_.clear();
  for (const auto* order : {&special_order_, &other_order_}) {
    for (const std::string& content : *order) {
      const TokenId id = ids_.at(content);
      if (!by_id_.at(id).normalized) {
        plain.emplace_back(content, id);
        continue;
      }
      AlignedText text;
      text.reset(content, 0);
      if (normalizer != nullptr) normalizer->apply(text);
      normalized.emplace_back(normalized_forms_[id] = text.text(), id);
    }
  }
  shown_.assign(id_bound(), nullptr);
  for (const auto& [id, token] : by_id_) shown_[static_cast<std::size_t>(id)] = &token.content;
  for (const auto& [id, form] : normalized_forms_) shown_[static_cast<std::size_t>(id)] = &form;
  plain_ = ByteTrie(std::move(plain));
  normalized_ = ByteTrie(std::move(normalized));
}

void AddedTokens::cut(std::string_view text, bool normalized, std::vector<Part>& parts) const {
  const ByteTrie& trie = normalized ? normalized_ : plain_;
  std::size_t done = 0;
  for (std::size_t place = 0; place < text.size();) {
    if (!trie.starts(text[place])) {
      ++place;
      continue;
    }
    const ByteTrie::Match match = trie.longest(text.substr(place));
    if (match.length == 0) {
      ++place;
      continue;
    }
    const AddedToken& token = by_id_.at(match.value);
    std::size_t begin = place;
    std::size_t end = place + match.length;
    place = end;
    if (token.single_word && (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(end)))) continue;
    // White space that the token before has taken is not taken again. The search itself goes on behind the token, so
    // that one made of white space can still be found in what this one swallowed: that is how the reference behaves.
    if (token.lstrip) begin = std::max(white_space_begin(text.substr(0, begin)), done);
    if (token.rstrip) end += white_space_end(text.substr(end));
    if (done < begin) parts.push_back({done, begin, -1});
    parts.push_back({begin, end, match.value});
    done = end;
  }
  if (done < text.size()) parts.push_back({done, text.size(), -1});
}

void AddedTokens::cut_normalized(PieceList& list) const {
  if (normalized_.empty() || list.pieces.empty()) return;
  const std::string_view text = list.text.text();
  std::vector<Part> parts;
  cut(text, true, parts);
  if (parts.size() == 1 && parts.front().id < 0) return;
  list.text.materialize();
  const std::span<const Alignment> alignments = list.text.alignments();
  const std::string_view now = list.text.text();
  list.pieces.clear();
  for (const Part& part : parts) {
    if (part.id < 0) {
      list.pieces.push_back({static_cast<std::uint32_t>(part.begin), static_cast<std::uint32_t>(part.end), false});
      continue;
    }
    const std::string_view matched = now.substr(part.begin, part.end - part.begin);
    const Alignment place{alignments[part.begin].begin, alignments[part.end - 1].end};
    list.pieces.push_back({static_cast<std::uint32_t>(list.found.size()), 0, true});
    list.found.push_back({part.id, place, leading_white_space(matched), trailing_white_space(matched)});
  }
}

std::optional<TokenId> AddedTokens::id(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  return found == ids_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace cambium::text
