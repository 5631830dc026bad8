#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "text/short_hash.h"
#include "text/token_model.h"

namespace cambium::text {

/// Remembers the tokens of words. Bounded: about 6 MiB; when it is full it is emptied and starts anew. For one thread.
class WordCache {
 public:
  /// Longer words are not worth the memory.
  static constexpr std::size_t kLongestWord = 192;

  /// The tokens of `word`, or nothing; valid until the next insert.
  [[nodiscard]] std::span<const WordToken> find(std::string_view word, std::uint64_t hash) const {
    if (slots_.empty()) return {};
    for (std::size_t slot = hash & kMask;; slot = (slot + 1) & kMask) {
      const Slot& candidate = slots_[slot];
      if (candidate.place == 0) return {};
      if (candidate.tag != tag_of(hash) || candidate.bytes != word.size()) continue;
      const char* key = reinterpret_cast<const char*>(arena_.data() + candidate.place + candidate.tokens);
      if (std::memcmp(key, word.data(), word.size()) == 0) return {arena_.data() + candidate.place, candidate.tokens};
    }
  }

  void insert(std::string_view word, std::uint64_t hash, std::span<const WordToken> tokens) {
    if (tokens.empty() || word.size() > kLongestWord) return;
    const std::size_t key_units = (word.size() + sizeof(WordToken) - 1) / sizeof(WordToken);
    if (slots_.empty() || 2 * (count_ + 1) > slots_.size() || arena_.size() + tokens.size() + key_units > kMostUnits) {
      slots_.assign(kMask + 1, {});
      arena_.resize(1);  // place 0 means a free slot
      count_ = 0;
    }
    std::size_t slot = hash & kMask;
    while (slots_[slot].place != 0) slot = (slot + 1) & kMask;
    slots_[slot] = {tag_of(hash), static_cast<std::uint32_t>(arena_.size()), static_cast<std::uint16_t>(word.size()),
                    static_cast<std::uint16_t>(tokens.size())};
    arena_.insert(arena_.end(), tokens.begin(), tokens.end());
    const std::size_t key = arena_.size();
    arena_.resize(key + key_units);
    std::memcpy(static_cast<void*>(arena_.data() + key), word.data(), word.size());
    ++count_;
  }

 private:
  static constexpr std::size_t kMask = (1U << 17U) - 1;
  static constexpr std::size_t kMostUnits = 4 * 1024 * 1024 / sizeof(WordToken);

  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t place = 0;  // in arena_: the tokens, then the word's bytes
    std::uint16_t bytes = 0;
    std::uint16_t tokens = 0;
  };
  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

  std::vector<Slot> slots_;
  std::vector<WordToken> arena_;
  std::size_t count_ = 0;
};

}  // namespace cambium::text
