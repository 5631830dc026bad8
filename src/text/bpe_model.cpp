#include "text/bpe_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "tensor/error.h"
#include "text/byte_level.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr std::size_t kFewSymbols = 32;
constexpr std::size_t kTableCharacters = 0x10000;

}  // namespace

/// Buffers for one word.
class BpeModel::Work final : public TokenModel::Scratch {
 public:
  std::vector<Symbol> symbols;
  std::vector<MergeTable::Merge> pairs;  // pairs[i]: symbol i with the next living one
  std::vector<std::uint32_t> previous;
  std::vector<std::uint32_t> next;
  std::vector<std::uint64_t> heap;  // rank << 32 | position
  std::string spelled;
  std::vector<std::uint32_t> origin;  // of each byte of `spelled`, its byte in the word
};

BpeModel::BpeModel(TokenTable vocabulary, MergeTable merges, Options options)
    : TokenModel(std::move(vocabulary)),
      merges_(std::move(merges)),
      options_(std::move(options)),
      byte_tokens_(this->vocabulary()),
      character_ids_(kTableCharacters, -1) {
  if (options_.unknown) unknown_ = this->vocabulary().find(*options_.unknown);
  for (std::size_t id = 0; id < this->vocabulary().id_bound(); ++id) {
    const auto token = this->vocabulary().token(static_cast<TokenId>(id));
    if (!token || token->empty() || token->size() != utf8::length_from_lead(token->front())) continue;
    std::size_t position = 0;
    const char32_t character = utf8::next(*token, position);
    if (character < kTableCharacters) character_ids_[character] = static_cast<TokenId>(id);
  }
  for (unsigned byte = 0; byte < 256; ++byte) byte_ids_[byte] = character_ids_[byte_character(static_cast<char>(byte))];
}

std::unique_ptr<TokenModel::Scratch> BpeModel::make_scratch() const { return std::make_unique<Work>(); }

void BpeModel::map_bytes() { maps_bytes_ = true; }

void BpeModel::set_boundary(std::string mark) {
  const bool plain = !options_.whole_words && options_.continuing_prefix.empty() && options_.end_suffix.empty();
  const bool nothing_vanishes = unknown_ || (options_.byte_fallback && byte_tokens_.complete);
  if (plain && nothing_vanishes && vocabulary().find(mark)) boundary_ = std::move(mark);
}

TokenId BpeModel::character_id(char32_t character, std::string_view bytes) const {
  return character < kTableCharacters ? character_ids_[character] : vocabulary().find(bytes).value_or(-1);
}

bool BpeModel::add_fallback(std::string_view symbol, std::vector<Symbol>& symbols) const {
  if (!options_.byte_fallback) return false;
  const auto id_of = [&](char byte) { return byte_tokens_.ids[static_cast<unsigned char>(byte)]; };
  if (std::any_of(symbol.begin(), symbol.end(), [&](char byte) { return id_of(byte) < 0; })) return false;
  for (const char byte : symbol) symbols.push_back({id_of(byte), 1});
  return true;
}

void BpeModel::add_characters(std::string_view word, std::vector<Symbol>& symbols) const {
  const bool decorated = !options_.continuing_prefix.empty() || !options_.end_suffix.empty();
  // Unknown characters wait here; as in the reference they do not come before the bytes of a fallback.
  std::uint32_t unknown_bytes = 0;
  const auto flush = [&] {
    if (unknown_bytes > 0) symbols.push_back({*unknown_, unknown_bytes});
    unknown_bytes = 0;
  };
  std::string written;
  for (std::size_t position = 0; position < word.size();) {
    const std::size_t begin = position;
    const char32_t character = utf8::next(word, position);
    std::string_view symbol = word.substr(begin, position - begin);
    const auto bytes = static_cast<std::uint32_t>(symbol.size());
    TokenId id = -1;
    if (decorated) {
      written = begin > 0 ? options_.continuing_prefix : std::string();
      written += symbol;
      if (position == word.size()) written += options_.end_suffix;
      symbol = written;
      id = vocabulary().find(symbol).value_or(-1);
    } else {
      id = character_id(character, symbol);
    }
    if (id >= 0) {
      flush();
      symbols.push_back({id, bytes});
      continue;
    }
    if (add_fallback(symbol, symbols) || !options_.unknown) continue;
    if (!unknown_) {
      throw ValueError(fmt::format("the character '{}' is not in the vocabulary, and neither is the unknown token '{}'",
                                   word.substr(begin, bytes), *options_.unknown));
    }
    if (!options_.fuse_unknown) flush();
    unknown_bytes += bytes;
  }
  flush();
}

void BpeModel::merge_few(Work& work) const {
  auto& symbols = work.symbols;
  auto& pairs = work.pairs;
  std::size_t count = symbols.size();
  pairs.resize(count);
  for (std::size_t i = 0; i + 1 < count; ++i) pairs[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (pairs[i].rank < pairs[best].rank) best = i;
    }
    if (pairs[best].rank == MergeTable::kNone) break;
    symbols[best] = {pairs[best].joined, symbols[best].bytes + symbols[best + 1].bytes};
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      pairs[i] = pairs[i + 1];
    }
    if (best > 0) pairs[best - 1] = merges_.find(symbols[best - 1].id, symbols[best].id);
    if (best + 1 < count) pairs[best] = merges_.find(symbols[best].id, symbols[best + 1].id);
  }
  symbols.resize(count);
}

void BpeModel::merge_many(Work& work) const {
  auto& symbols = work.symbols;
  const auto count = static_cast<std::uint32_t>(symbols.size());
  work.pairs.assign(count, {});
  work.previous.resize(count);
  work.next.resize(count);
  work.heap.clear();
  const auto later = std::greater<>();
  for (std::uint32_t i = 0; i < count; ++i) {
    work.previous[i] = i - 1;  // of the first: a number no symbol has
    work.next[i] = i + 1;
    if (i + 1 == count) break;
    work.pairs[i] = merges_.find(symbols[i].id, symbols[i + 1].id);
    if (work.pairs[i].rank != MergeTable::kNone)
      work.heap.push_back(static_cast<std::uint64_t>(work.pairs[i].rank) << 32U | i);
  }
  std::make_heap(work.heap.begin(), work.heap.end(), later);
  const auto renew = [&](std::uint32_t left, std::uint32_t right) {
    work.pairs[left] = merges_.find(symbols[left].id, symbols[right].id);
    if (work.pairs[left].rank == MergeTable::kNone) return;
    work.heap.push_back(static_cast<std::uint64_t>(work.pairs[left].rank) << 32U | left);
    std::push_heap(work.heap.begin(), work.heap.end(), later);
  };
  while (!work.heap.empty()) {
    std::pop_heap(work.heap.begin(), work.heap.end(), later);
    const std::uint64_t top = work.heap.back();
    work.heap.pop_back();
    const auto left = static_cast<std::uint32_t>(top);
    // Entries of pairs that are gone or have changed stay in the heap; their rank is not the pair's any more.
    if (work.pairs[left].rank != static_cast<std::uint32_t>(top >> 32U)) continue;
    const std::uint32_t right = work.next[left];
    symbols[left] = {work.pairs[left].joined, symbols[left].bytes + symbols[right].bytes};
    symbols[right].bytes = 0;
    work.pairs[right] = {};
    work.pairs[left] = {};
    const std::uint32_t behind = work.next[right];
    work.next[left] = behind;
    if (behind < count) {
      work.previous[behind] = left;
      renew(left, behind);
    }
    if (const std::uint32_t before = work.previous[left]; before < count) renew(before, left);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.bytes == 0; });
}

void BpeModel::merge(Work& work) const {
  if (work.symbols.size() <= kFewSymbols) {
    merge_few(work);
  } else {
    merge_many(work);
  }
}

void BpeModel::tokenize(std::string_view word, Scratch& scratch, std::vector<WordToken>& out) const {
  auto& work = static_cast<Work&>(scratch);
  work.symbols.clear();
  if (maps_bytes_) {
    const bool all_known = std::all_of(word.begin(), word.end(),
                                       [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)] >= 0; });
    if (!all_known || options_.whole_words) {
      tokenize_spelled(word, work, out);
      return;
    }
    for (const char byte : word) work.symbols.push_back({byte_ids_[static_cast<unsigned char>(byte)], 1});
  } else {
    if (options_.whole_words) {
      if (const auto whole = vocabulary().find(word)) {
        out.push_back({*whole, 0, static_cast<std::uint32_t>(word.size())});
        return;
      }
    }
    add_characters(word, work.symbols);
  }
  merge(work);
  std::uint32_t position = 0;
  for (const Symbol& symbol : work.symbols) {
    out.push_back({symbol.id, position, position + symbol.bytes});
    position += symbol.bytes;
  }
}

/// Plain bytes that have to be spelled in the byte alphabet after all: to look up the whole word, or because a byte has
/// no token (what the vocabulary lacks shifts the offsets behind it, counted in spelled bytes, as in the reference).
void BpeModel::tokenize_spelled(std::string_view word, Work& work, std::vector<WordToken>& out) const {
  work.spelled.clear();
  work.origin.clear();
  for (std::size_t i = 0; i < word.size(); ++i) {
    utf8::append(work.spelled, byte_character(word[i]));
    work.origin.resize(work.spelled.size(), static_cast<std::uint32_t>(i));
  }
  if (options_.whole_words) {
    if (const auto whole = vocabulary().find(work.spelled)) {
      out.push_back({*whole, 0, static_cast<std::uint32_t>(word.size())});
      return;
    }
  }
  add_characters(work.spelled, work.symbols);
  merge(work);
  std::uint32_t position = 0;
  for (const Symbol& symbol : work.symbols) {
    const std::uint32_t end = position + symbol.bytes;
    out.push_back({symbol.id, work.origin[position], work.origin[end - 1] + 1});
    position = end;
  }
}

}  // namespace cambium::text
