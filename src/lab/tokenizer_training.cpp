#include "lab/tokenizer_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>

#include "tensor/error.h"
#include "text/byte_level.h"

namespace cambium::lab {
namespace {

using Json = nlohmann::ordered_json;
using Pair = std::pair<std::uint32_t, std::uint32_t>;

enum class Kind { kLetter, kDigit, kSpace, kOther };

Kind kind_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if ((byte | 32U) >= 'a' && (byte | 32U) <= 'z') return Kind::kLetter;
  if (byte >= 0x80) return Kind::kLetter;
  if (byte >= '0' && byte <= '9') return Kind::kDigit;
  return byte == ' ' || (byte >= '\t' && byte <= '\r') ? Kind::kSpace : Kind::kOther;
}

// The pieces that GPT-2's pattern makes of ASCII text whose digits were split off: a run of one kind with at most one
// blank in front.
std::vector<std::string_view> pieces(std::string_view text) {
  std::vector<std::string_view> found;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    if (text[end] == ' ' && end + 1 < text.size() && kind_of(text[end + 1]) != Kind::kSpace &&
        kind_of(text[end + 1]) != Kind::kDigit) {
      ++end;
    }
    const Kind kind = kind_of(text[end]);
    ++end;
    if (kind != Kind::kDigit) {
      while (end < text.size() && kind_of(text[end]) == kind) ++end;
      // The last blank before a word belongs to the word.
      if (kind == Kind::kSpace && end < text.size() && end - begin > 1) --end;
    }
    found.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return found;
}

struct Word {
  std::vector<std::uint32_t> symbols;
  std::int64_t count = 0;
};

void merge_in(Word& word, const Pair& pair, std::uint32_t merged) {
  std::vector<std::uint32_t> symbols;
  for (std::size_t i = 0; i < word.symbols.size(); ++i) {
    if (i + 1 < word.symbols.size() && Pair{word.symbols[i], word.symbols[i + 1]} == pair) {
      symbols.push_back(merged);
      ++i;
    } else {
      symbols.push_back(word.symbols[i]);
    }
  }
  word.symbols = std::move(symbols);
}

}  // namespace

LearnedVocabulary learn_vocabulary(const std::vector<std::string>& texts, std::vector<std::string> special,
                                   std::size_t size) {
  if (size < special.size() + 256) {
    throw ValueError(fmt::format("a byte-level vocabulary with {} special tokens needs at least {} tokens, not {}",
                                 special.size(), special.size() + 256, size));
  }
  std::map<std::string_view, std::int64_t> counts;
  for (const std::string& text : texts) {
    for (const std::string_view piece : pieces(text)) ++counts[piece];
  }
  LearnedVocabulary learned;
  for (int byte = 0; byte < 256; ++byte) {
    text::append_byte_characters(learned.tokens.emplace_back(), std::string(1, static_cast<char>(byte)));
  }
  std::vector<Word> words;
  for (const auto& [piece, count] : counts) {
    Word word{.symbols = {}, .count = count};
    for (const char c : piece) word.symbols.push_back(static_cast<unsigned char>(c));
    words.push_back(std::move(word));
  }
  while (special.size() + learned.tokens.size() < size) {
    std::map<Pair, std::int64_t> pairs;
    for (const Word& word : words) {
      for (std::size_t i = 0; i + 1 < word.symbols.size(); ++i) {
        pairs[{word.symbols[i], word.symbols[i + 1]}] += word.count;
      }
    }
    const auto best = std::ranges::max_element(pairs, [&](const auto& a, const auto& b) {
      if (a.second != b.second) return a.second < b.second;
      return a.first > b.first;
    });
    if (best == pairs.end() || best->second < 2) break;
    const auto [left, right] = best->first;
    const auto merged = static_cast<std::uint32_t>(learned.tokens.size());
    learned.merges.emplace_back(learned.tokens[left], learned.tokens[right]);
    learned.tokens.push_back(learned.tokens[left] + learned.tokens[right]);
    for (Word& word : words) merge_in(word, best->first, merged);
  }
  learned.special = std::move(special);
  return learned;
}

std::string tokenizer_json(const LearnedVocabulary& vocabulary) {
  Json added = Json::array(), vocab = Json::object(), merges = Json::array();
  std::size_t id = 0;
  for (const std::string& token : vocabulary.special) {
    added.push_back({{"id", id},
                     {"content", token},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
    vocab[token] = id++;
  }
  for (const std::string& token : vocabulary.tokens) vocab[token] = id++;
  for (const auto& [left, right] : vocabulary.merges) merges.push_back({left, right});
  const Json byte_level{
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
  const Json file{
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Sequence"},
        {"pretokenizers", Json::array({Json{{"type", "Digits"}, {"individual_digits", true}}, byte_level})}}},
      {"post_processor", nullptr},
      {"decoder", byte_level},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", false},
        {"vocab", vocab},
        {"merges", merges}}}};
  return file.dump(1);
}

}  // namespace cambium::lab
