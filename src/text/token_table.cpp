#include "text/token_table.h"

#include "text/short_hash.h"

namespace cambium::text {

namespace {

std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32U); }

}  // namespace

void TokenTable::reserve(std::size_t tokens, std::size_t bytes) {
  bytes_.reserve(bytes);
  entries_.reserve(tokens);
  std::size_t slots = 64;
  while (slots < 2 * tokens) slots *= 2;
  if (slots > slots_.size()) grow(slots);
}

void TokenTable::grow(std::size_t slots) {
  slots_.assign(slots, 0);
  tags_.assign(slots, 0);
  for (std::size_t id = 0; id < entries_.size(); ++id) {
    if (entries_[id].length == kUnused) continue;
    const std::uint64_t hash = short_hash(std::string_view(bytes_).substr(entries_[id].offset, entries_[id].length));
    std::size_t slot = hash & (slots - 1);
    while (slots_[slot] != 0) slot = (slot + 1) & (slots - 1);
    slots_[slot] = static_cast<std::uint32_t>(id) + 1;
    tags_[slot] = tag_of(hash);
  }
}

std::size_t TokenTable::slot_of(std::string_view token, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    if (tags_[slot] != tag_of(hash)) continue;
    const Entry& entry = entries_[slots_[slot] - 1];
    if (std::string_view(bytes_).substr(entry.offset, entry.length) == token) break;
  }
  return slot;
}

void TokenTable::store(std::string_view token, TokenId id) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= entries_.size()) entries_.resize(index + 1);
  entries_[index] = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(token.size())};
  bytes_ += token;
  ++count_;
}

bool TokenTable::add(std::string_view token, TokenId id) {
  const auto index = static_cast<std::size_t>(id);
  if (index < entries_.size() && entries_[index].length != kUnused) return false;
  if (2 * (count_ + 1) > slots_.size()) grow(slots_.empty() ? 64 : 2 * slots_.size());
  const std::uint64_t hash = short_hash(token);
  const std::size_t slot = slot_of(token, hash);
  if (slots_[slot] != 0) return false;
  store(token, id);
  slots_[slot] = static_cast<std::uint32_t>(id) + 1;
  tags_[slot] = tag_of(hash);
  return true;
}

void TokenTable::add_again(std::string_view token, TokenId id) {
  if (add(token, id)) return;
  const std::size_t slot = slot_of(token, short_hash(token));
  store(token, id);
  slots_[slot] = static_cast<std::uint32_t>(id) + 1;
}

std::optional<TokenId> TokenTable::find(std::string_view token) const {
  if (slots_.empty()) return std::nullopt;
  const std::uint32_t found = slots_[slot_of(token, short_hash(token))];
  return found == 0 ? std::nullopt : std::optional(static_cast<TokenId>(found - 1));
}

std::optional<std::string_view> TokenTable::token(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id < 0 || index >= entries_.size() || entries_[index].length == kUnused) return std::nullopt;
  return std::string_view(bytes_).substr(entries_[index].offset, entries_[index].length);
}

}  // namespace cambium::text
