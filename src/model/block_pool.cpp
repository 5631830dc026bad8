#include "model/block_pool.h"

#include <cassert>

namespace cambium::model {

BlockId BlockPool::take() {
  assert(free_blocks() > 0);
  if (free_.empty()) {
    const auto first = static_cast<BlockId>(holders_.size());
    grow(kGrowth);
    holders_.resize(first + kGrowth, 0);
    written_.resize(first + kGrowth, 0);
    for (std::size_t i = kGrowth; i > 0; --i) free_.push_back(first + static_cast<BlockId>(i) - 1);
  }
  const BlockId id = free_.back();
  free_.pop_back();
  holders_[id] = 1;
  ++used_;
  return id;
}

BlockId BlockPool::allocate() {
  const BlockId id = take();
  // Slots that are not written yet take part in products with a weight of zero: they must not hold a NaN of an earlier
  // sequence.
  if (written_[id] != 0) clear(id);
  written_[id] = 1;
  return id;
}

BlockId BlockPool::copy(BlockId source) {
  const BlockId id = take();
  duplicate(source, id);
  written_[id] = 1;
  return id;
}

void BlockPool::remove_holder(BlockId id) {
  assert(holders_[id] > 0);
  if (--holders_[id] != 0) return;
  free_.push_back(id);
  --used_;
}

}  // namespace cambium::model
