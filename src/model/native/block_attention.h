#pragma once

#include <cstddef>
#include <cstdint>

#include "model/native/key_value_blocks.h"

namespace cambium::model {

/// Attention of consecutive new tokens of one sequence over its keys and values, which are in their blocks already.
struct AttentionCall {
  const KeyValueBlocks* cache = nullptr;
  const BlockId* blocks = nullptr;  ///< of the sequence, in order
  std::size_t layer = 0;
  std::size_t num_heads = 0;        ///< query heads
  std::int64_t first_position = 0;  ///< of the first new token
  std::size_t tokens = 0;           ///< new tokens
  std::int64_t window = 0;          ///< as LayerConfig::window
  float scale = 1.0F;
  float softcap = 0.0F;
  const float* queries = nullptr;  ///< row of token t: num_heads * head_dim values at t * query_stride
  std::size_t query_stride = 0;
  float* output = nullptr;  ///< the same form
  std::size_t output_stride = 0;
  const std::uint8_t* heads_off = nullptr;  ///< num_heads flags: heads whose output is zero; or null
};

/// Computes the query heads that share key-value head `kv_head`, for new tokens first .. last-1. Softmax runs online
/// over blocks of 32 tokens in rising order, so a row's result does not depend on what is computed with it.
void attend(const AttentionCall& call, std::size_t kv_head, std::size_t first, std::size_t last);

}  // namespace cambium::model
