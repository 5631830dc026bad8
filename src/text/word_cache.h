#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "text/short_hash.h"
#include "text/token_model.h"

namespace cambium::text {

/// A token of a remembered word: bytes [begin, end) of it.
struct CachedToken {
  TokenId id = 0;
  std::uint8_t begin = 0;
  std::uint8_t end = 0;
};

/// Remembers the tokens of words. Bounded: about 6 MiB; when it is full it is emptied and starts anew. For one thread.
class WordCache {
 public:
  /// Longer words are not worth the memory.
  static constexpr std::size_t kLongestWord = 192;

  /// The tokens of `word`, or nothing; valid until the next insert.
  [[nodiscard]] std::span<const CachedToken> find(std::string_view word, std::uint64_t hash) const {
    if (slots_.empty()) return {};
    for (std::size_t slot = hash & kMask;; slot = (slot + 1) & kMask) {
      const Slot& candidate = slots_[slot];
      if (candidate.place == 0) return {};
      if (candidate.tag != tag_of(hash) || candidate.bytes != word.size()) continue;
      const CachedToken* tokens = arena_.data() + candidate.place;
      if (equal(word, reinterpret_cast<const char*>(tokens + candidate.tokens))) return {tokens, candidate.tokens};
    }
  }

  void insert(std::string_view word, std::uint64_t hash, std::span<const WordToken> tokens) {
    if (tokens.empty() || word.size() > kLongestWord) return;
    const std::size_t key_units = (word.size() + sizeof(CachedToken) - 1) / sizeof(CachedToken);
    if (slots_.empty() || 2 * (count_ + 1) > slots_.size() || arena_.size() + tokens.size() + key_units > kMostUnits) {
      slots_.assign(kMask + 1, {});
      arena_.resize(1);  // place 0 means a free slot
      count_ = 0;
    }
    std::size_t slot = hash & kMask;
    while (slots_[slot].place != 0) slot = (slot + 1) & kMask;
    slots_[slot] = {tag_of(hash), static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint16_t>(word.size()),
                    static_cast<std::uint16_t>(tokens.size())};
    for (const WordToken& token : tokens) {
      arena_.push_back({token.id, static_cast<std::uint8_t>(token.begin), static_cast<std::uint8_t>(token.end)});
    }
    const std::size_t key = arena_.size();
    arena_.resize(key + key_units);
    std::memcpy(static_cast<void*>(arena_.data() + key), word.data(), word.size());
    ++count_;
  }

 private:
  static constexpr std::size_t kMask = (1U << 17U) - 1;
  static constexpr std::size_t kMostUnits = 4 * 1024 * 1024 / sizeof(CachedToken);

  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t place = 0;  // in arena_: the tokens, then the word's bytes
    std::uint16_t bytes = 0;
    std::uint16_t tokens = 0;
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

  /// Most words are short: compared with two loads that may overlap.
  static bool equal(std::string_view word, const char* key) {
    const auto same = [&]<typename Word>(Word) {
      Word parts[4];
      std::memcpy(&parts[0], word.data(), sizeof(Word));
      std::memcpy(&parts[1], key, sizeof(Word));
      std::memcpy(&parts[2], word.data() + word.size() - sizeof(Word), sizeof(Word));
      std::memcpy(&parts[3], key + word.size() - sizeof(Word), sizeof(Word));
      return parts[0] == parts[1] && parts[2] == parts[3];
    };
    if (word.size() > 16) return std::memcmp(key, word.data(), word.size()) == 0;
    if (word.size() >= 8) return same(std::uint64_t{});
    if (word.size() >= 4) return same(std::uint32_t{});
    if (word.size() >= 2) return same(std::uint16_t{});
    return word[0] == key[0];
  }

  std::vector<Slot> slots_;
  std::vector<CachedToken> arena_;
  std::size_t count_ = 0;
};

}  // namespace cambium::text
