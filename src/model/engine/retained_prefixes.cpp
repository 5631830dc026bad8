#include <algorithm>

#include "model/engine/schedule.h"

namespace cambium::model {

void RetainedPrefixes::keep(std::vector<std::int64_t> tokens, std::shared_ptr<const HeadMask> mask,
                            std::vector<BlockId> blocks) {
  // What is a beginning of the new sequence is in it.
  for (std::size_t i = entries_.size(); i > 0; --i) {
    Entry& entry = entries_[i - 1];
    if (entry.mask != mask || entry.tokens.size() > tokens.size()) continue;
    if (!std::equal(entry.tokens.begin(), entry.tokens.end(), tokens.begin())) continue;
    for (const BlockId block : entry.blocks) cache_.remove_holder(block);
    used_ -= entry.blocks.size();
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(i) - 1);
  }
  used_ += blocks.size();
  entries_.push_back({std::move(tokens), std::move(mask), std::move(blocks), ++clock_});
  while (used_ > max_blocks_ && drop_oldest()) {
  }
}

RetainedPrefixes::Match RetainedPrefixes::find(std::span<const std::int64_t> tokens, const HeadMask* mask) {
  Entry* best = nullptr;
  Match match;
  for (Entry& entry : entries_) {
    if (entry.mask.get() != mask) continue;
    const auto common = static_cast<std::size_t>(
        std::mismatch(tokens.begin(), tokens.end(), entry.tokens.begin(), entry.tokens.end()).first - tokens.begin());
    if (common <= match.tokens) continue;
    match.tokens = common;
    best = &entry;
  }
  if (best == nullptr) return match;
  best->last_use = ++clock_;
  const std::size_t count = (match.tokens + BlockPool::kBlockTokens - 1) / BlockPool::kBlockTokens;
  match.blocks.assign(best->blocks.begin(), best->blocks.begin() + static_cast<std::ptrdiff_t>(count));
  for (const BlockId block : match.blocks) cache_.add_holder(block);
  return match;
}

bool RetainedPrefixes::drop_oldest() {
  const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                       [](const Entry& a, const Entry& b) { return a.last_use < b.last_use; });
  if (oldest == entries_.end()) return false;
  for (const BlockId block : oldest->blocks) cache_.remove_holder(block);
  used_ -= oldest->blocks.size();
  entries_.erase(oldest);
  return true;
}

void RetainedPrefixes::clear() {
  while (drop_oldest()) {
  }
}

}  // namespace cambium::model
