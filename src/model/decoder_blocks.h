#pragma once

#include <ATen/core/Tensor.h>

#include "model/decoder_config.h"
#include "model/decoder_weights.h"

namespace cambium::model {

/// The parts of a layer in at:: operations: differentiable, for any device and floating type. Statistics and softmax
/// are in float32 whatever the type, as Hugging Face has them.

/// input [..., in] -> [..., out]
[[nodiscard]] at::Tensor projected(const Linear& layer, const at::Tensor& input);
/// Over the last dimension, by the config's kind of norm.
[[nodiscard]] at::Tensor normalised(const DecoderConfig& config, const Norm& norm, const at::Tensor& input);
/// RMS norm of query or key heads: input [..., head_dim].
[[nodiscard]] at::Tensor normalised_heads(const DecoderConfig& config, const at::Tensor& weight,
                                          const at::Tensor& input);
/// The first rotary_dim values of each head, taken as two halves, turned by the position's angles.
/// @param heads         [batch, heads, seq, head_dim]
/// @param cosine, sine  [batch, 1, seq, rotary_dim / 2]
[[nodiscard]] at::Tensor rotated(const at::Tensor& heads, const at::Tensor& cosine, const at::Tensor& sine);
/// Token embeddings with the family's scale. ids [...] int64 -> [..., hidden]
[[nodiscard]] at::Tensor embedded(const DecoderConfig& config, const at::Tensor& embedding, const at::Tensor& ids);
/// Softmax attention; heads of a group share a key-value head.
/// @param query       [batch, num_heads, seq, head_dim]
/// @param key, value  [batch, num_kv_heads, keys, head_dim]
/// @param visible     [batch, 1, seq, keys] bool; undefined: plain causal (then seq == keys; not with a soft cap)
/// @return            [batch, num_heads, seq, head_dim]
[[nodiscard]] at::Tensor attended(const DecoderConfig& config, double scale, const at::Tensor& query,
                                  const at::Tensor& key, const at::Tensor& value, const at::Tensor& visible);
[[nodiscard]] at::Tensor fed_forward(const DecoderConfig& config, const LayerWeights& layer, const at::Tensor& input);
/// hidden [..., hidden] (behind the final norm) -> [..., vocab]
[[nodiscard]] at::Tensor logits_of(const DecoderConfig& config, const Linear& head, const at::Tensor& hidden);

}  // namespace cambium::model
