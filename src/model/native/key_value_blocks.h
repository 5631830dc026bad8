#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "model/block_pool.h"
#include "model/native/huge_buffer.h"
#include "model/native/panel.h"

namespace cambium::model {

/// Sizes of a key-value cache whose unit is a block of 32 tokens of all layers. In a block, for each layer and
/// key-value head: one key panel (rows: the head's values, columns: tokens) and the value panels (rows: tokens,
/// columns: the head's values, 32 a panel).
struct KeyValueShape {
  PanelType type = PanelType::kFloat32;
  std::size_t layers = 0, kv_heads = 0, head_dim = 0;

  [[nodiscard]] std::size_t key_bytes() const { return panel_bytes(type, even(head_dim)); }
  [[nodiscard]] std::size_t value_bytes() const { return panels_for(head_dim) * panel_bytes(type, kPanelColumns); }
  [[nodiscard]] std::size_t head_bytes() const { return key_bytes() + value_bytes(); }
  [[nodiscard]] std::size_t block_bytes() const { return layers * kv_heads * head_bytes(); }
  /// Where the keys of a layer's head begin in a block; the values follow.
  [[nodiscard]] std::size_t head_offset(std::size_t layer, std::size_t head) const {
    return (layer * kv_heads + head) * head_bytes();
  }
};

/// Keys and values in this machine's memory. store() of different slots and block() may be called from several threads.
class KeyValueBlocks final : public BlockPool {
 public:
  static_assert(kBlockTokens == kPanelColumns);

  KeyValueBlocks(const KeyValueShape& shape, std::size_t max_blocks) : BlockPool(max_blocks), shape_(shape) {}

  [[nodiscard]] const KeyValueShape& shape() const { return shape_; }
  [[nodiscard]] std::byte* block(BlockId id) {
    return slabs_[id / kGrowth].data() + id % kGrowth * shape_.block_bytes();
  }
  [[nodiscard]] const std::byte* block(BlockId id) const {
    return slabs_[id / kGrowth].data() + id % kGrowth * shape_.block_bytes();
  }
  /// Puts one token's key and value (head_dim values each) of a layer's head into its slot (position % 32) of a block.
  void store(BlockId id, std::size_t layer, std::size_t head, std::size_t slot, const float* key, const float* value);

 protected:
  void grow(std::size_t count) override;
  void clear(BlockId block) override;
  void duplicate(BlockId from, BlockId to) override;

 private:
  KeyValueShape shape_;
  std::vector<HugeBuffer> slabs_;  // kGrowth blocks each, for the sake of huge pages
};

}  // namespace cambium::model
