#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/token_table.h"

namespace cambium::text {

/// Which pairs of tokens a BPE model joins, and how early. Open addressing, 16 bytes a slot, load at most one half.
class MergeTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  struct Merge {
    std::uint32_t rank = kNone;  // lower joins first; kNone: the pair does not join
    TokenId joined = -1;
  };

  void reserve(std::size_t merges) {
    std::size_t slots = 64;
    while (slots < 2 * merges) slots *= 2;
    if (slots > slots_.size()) rebuild(slots);
  }

  /// Of two merges of one pair the later call counts.
  void add(TokenId left, TokenId right, Merge merge) {
    if (2 * (count_ + 1) > slots_.size()) rebuild(slots_.empty() ? 64 : 2 * slots_.size());
    Slot& slot = slots_[place(left, right)];
    if (slot.left < 0) ++count_;
    slot = {left, right, merge.rank, merge.joined};
  }

  [[nodiscard]] Merge find(TokenId left, TokenId right) const {
    if (slots_.empty()) return {};
    const Slot& slot = slots_[place(left, right)];
    return slot.left < 0 ? Merge{} : Merge{slot.rank, slot.joined};
  }

 private:
  struct Slot {
    TokenId left = -1;
    TokenId right = -1;
    std::uint32_t rank = 0;
    TokenId joined = -1;
  };

  [[nodiscard]] std::size_t place(TokenId left, TokenId right) const {
    const std::uint64_t key =
        static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32U | static_cast<std::uint32_t>(right);
    std::uint64_t hash = (key ^ key >> 29U) * 0x9E3779B97F4A7C15ULL;
    hash ^= hash >> 32U;
    const std::size_t mask = slots_.size() - 1;
    std::size_t slot = hash & mask;
    while (slots_[slot].left >= 0 && (slots_[slot].left != left || slots_[slot].right != right))
      slot = (slot + 1) & mask;
    return slot;
  }

  void rebuild(std::size_t slots) {
    std::vector<Slot> old(slots);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.left >= 0) slots_[place(slot.left, slot.right)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace cambium::text
