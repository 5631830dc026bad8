#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cambium::model {

using BlockId = std::uint32_t;

/// Numbered blocks of a key-value cache, each for 32 consecutive tokens of a sequence (positions 32 i .. 32 i + 31),
/// all layers. Blocks are counted: several sequences hold one block as long as their tokens in it are the same; a
/// sequence that goes on differently takes a copy first. Where the values lie is the derived class's business. Not
/// thread-safe.
class BlockPool {
 public:
  static constexpr std::size_t kBlockTokens = 32;

  /// @param max_blocks  so many may be in use at a time
  explicit BlockPool(std::size_t max_blocks) : max_blocks_(max_blocks) {}
  virtual ~BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  [[nodiscard]] std::size_t max_blocks() const { return max_blocks_; }
  [[nodiscard]] std::size_t used_blocks() const { return used_; }
  [[nodiscard]] std::size_t free_blocks() const { return max_blocks_ - used_; }

  /// A cleared block with one holder. @pre free_blocks() > 0
  [[nodiscard]] BlockId allocate();
  /// A copy with one holder. @pre free_blocks() > 0
  [[nodiscard]] BlockId copy(BlockId block);
  void add_holder(BlockId block) { ++holders_[block]; }
  void remove_holder(BlockId block);
  [[nodiscard]] std::uint32_t holders(BlockId block) const { return holders_[block]; }

 protected:
  /// Makes room for `count` more blocks, numbered on from the last; zeroed.
  virtual void grow(std::size_t count) = 0;
  virtual void clear(BlockId block) = 0;
  virtual void duplicate(BlockId from, BlockId to) = 0;

  static constexpr std::size_t kGrowth = 16;  ///< blocks at a time

 private:
  BlockId take();

  std::size_t max_blocks_;
  std::size_t used_ = 0;
  std::vector<std::uint32_t> holders_;
  std::vector<std::uint8_t> written_;  // used before: must be cleared
  std::vector<BlockId> free_;
};

}  // namespace cambium::model
