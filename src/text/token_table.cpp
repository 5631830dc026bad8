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
  std::vector<Slot> old(slots);
  old.swap(slots_);
  const std::size_t mask = slots - 1;
  for (const Slot& one : old) {
    if (one.id < 0) continue;
    const std::uint64_t hash = short_hash(std::string_view(bytes_).substr(one.entry.offset, one.entry.length));
    std::size_t slot = hash & mask;
    while (slots_[slot].id >= 0) slot = (slot + 1) & mask;
    slots_[slot] = one;
  }
}

std::size_t TokenTable::slot_of(std::string_view token, std::uint64_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = hash & mask;
  for (; slots_[slot].id >= 0; slot = (slot + 1) & mask) {
    const Slot& one = slots_[slot];
    if (one.tag == tag_of(hash) && std::string_view(bytes_).substr(one.entry.offset, one.entry.length) == token) break;
  }
  return slot;
}

void TokenTable::store(std::string_view token, TokenId id, std::uint64_t hash, std::size_t slot) {
  const auto index = static_cast<std::size_t>(id);
  if (index >= entries_.size()) entries_.resize(index + 1);
  entries_[index] = {static_cast<std::uint32_t>(bytes_.size()), static_cast<std::uint32_t>(token.size())};
  bytes_ += token;
  slots_[slot] = {tag_of(hash), id, entries_[index]};
  ++count_;
}

bool TokenTable::add(std::string_view token, TokenId id) {
  const auto index = static_cast<std::size_t>(id);
  if (index < entries_.size() && entries_[index].length != kUnused) return false;
  if (2 * (count_ + 1) > slots_.size()) grow(slots_.empty() ? 64 : 2 * slots_.size());
  const std::uint64_t hash = short_hash(token);
  const std::size_t slot = slot_of(token, hash);
  if (slots_[slot].id >= 0) return false;
  store(token, id, hash, slot);
  return true;
}

void TokenTable::add_again(std::string_view token, TokenId id) {
  if (add(token, id)) return;
  const std::uint64_t hash = short_hash(token);
  store(token, id, hash, slot_of(token, hash));
}

std::optional<TokenId> TokenTable::find(std::string_view token) const {
  if (slots_.empty()) return std::nullopt;
  const TokenId id = slots_[slot_of(token, short_hash(token))].id;
  return id < 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string_view> TokenTable::token(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  if (id < 0 || index >= entries_.size() || entries_[index].length == kUnused) return std::nullopt;
  return std::string_view(bytes_).substr(entries_[index].offset, entries_[index].length);
}

}  // namespace cambium::text
