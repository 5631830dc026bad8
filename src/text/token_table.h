#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::text {

/// Number of a token: its row in the model's embedding.
using TokenId = std::int32_t;

/// Token strings and their ids, both ways. Strings lie in one block; 150,000 tokens load in about 10 ms.
class TokenTable {
 public:
  /// Room for `tokens` tokens of `bytes` bytes in all.
  void reserve(std::size_t tokens, std::size_t bytes);

  /// Adds a token with its id (>= 0). False if the string or the id is there already (nothing is changed then).
  bool add(std::string_view token, TokenId id);

  /// Adds a token under a free id; a string that is there already is found under the new id from now on, and both ids
  /// give it.
  void add_again(std::string_view token, TokenId id);

  [[nodiscard]] std::optional<TokenId> find(std::string_view token) const;
  /// The token's string; nothing for an id that no token has.
  [[nodiscard]] std::optional<std::string_view> token(TokenId id) const;

  /// Number of tokens.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Highest id + 1.
  [[nodiscard]] std::size_t id_bound() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint32_t offset = 0;
    std::uint32_t length = kUnused;
  };
  /// Holds what a lookup needs beside the string itself: two cache misses, not four.
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    TokenId id = -1;        // -1: free
    Entry entry;
  };
  static constexpr std::uint32_t kUnused = 0xFFFFFFFF;

  void grow(std::size_t slots);
  /// Slot of the token, or the free slot where it would go.
  [[nodiscard]] std::size_t slot_of(std::string_view token, std::uint64_t hash) const;
  void store(std::string_view token, TokenId id, std::uint64_t hash, std::size_t slot);

  std::string bytes_;
  std::vector<Entry> entries_;  // by id
  std::vector<Slot> slots_;     // open addressing
  std::size_t count_ = 0;
};

}  // namespace cambium::text
