#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tune/parameter_set.h"

// The steps of a decoder on packed rows, each with a backward pass of its own: rows is the number of tokens of all
// sequences together, nothing is padded. Activations are float32 or bfloat16 (the weights' type, or float32 over
// bfloat16 weights); sums are float32.
namespace cambium::tune {

/// x W^T. input: [rows, in] -> [rows, out]. The weight's gradient is stored by the backward pass.
[[nodiscard]] at::Tensor linear(const at::Tensor& input, const TrainedWeight& weight);

/// Gathers rows of the embedding. ids: [rows] int64 -> [rows, hidden] in `type`.
[[nodiscard]] at::Tensor embed(const at::Tensor& ids, const TrainedWeight& embedding, at::ScalarType type);

/// Root-mean-square norm. @param weight  [n]; @param plus_one  multiplies by 1 + weight
struct RmsNorm {
  TrainedWeight weight;
  double epsilon = 1e-6;
  bool plus_one = false;
};
/// input: [..., n] -> the same shape.
[[nodiscard]] at::Tensor rms_norm(const at::Tensor& input, const RmsNorm& norm);
/// {residual + delta, rms_norm(residual + delta)}: both [rows, n].
[[nodiscard]] std::pair<at::Tensor, at::Tensor> add_rms_norm(const at::Tensor& residual, const at::Tensor& delta,
                                                             const RmsNorm& norm);

/// silu(gate) * up. gate_up: [rows, 2 * inner] -> [rows, inner]
[[nodiscard]] at::Tensor silu_gated(const at::Tensor& gate_up);

/// Which rows belong to one sequence, and how tokens see each other.
struct AttentionForm {
  std::int64_t num_heads = 0, num_kv_heads = 0, head_dim = 0;
  double scale = 1.0;
  std::int64_t window = 0;  ///< a token sees itself and the window - 1 before it; 0: all before it
  double softcap = 0.0;     ///< c * tanh(score / c); 0: none
  at::Tensor cosine, sine;  ///< [rows, rotary_dim / 2] float32; undefined: no rotation
};
/// Rotation and causal attention within each sequence. The rows of `qkv` are overwritten.
/// @param qkv      [rows, (num_heads + 2 num_kv_heads) * head_dim]: queries, keys, values; not used elsewhere
/// @param lengths  tokens of each sequence; their sum is the number of rows
/// @return         [rows, num_heads * head_dim]
[[nodiscard]] at::Tensor attention(const at::Tensor& qkv, const std::vector<std::int64_t>& lengths,
                                   const AttentionForm& form);

/// The loss at labelled rows: sum of -log p(target) * scale, the head applied to those rows only, in pieces whose
/// logits fit `logit_bytes`. Gradients are computed with it.
struct HeadLoss {
  TrainedWeight head;  ///< [vocab, hidden]
  at::Tensor bias;     ///< [vocab] or undefined; frozen
  double softcap = 0.0;
  std::int64_t logit_bytes = std::int64_t{96} << 20;
};
/// @param hidden   [labelled, hidden]  @param targets [labelled] int64
/// @param losses   if not null: receives each row's -log p(target)
/// @return         scalar float64, outside of autograd where nothing wants a gradient
[[nodiscard]] at::Tensor head_loss(const at::Tensor& hidden, const at::Tensor& targets, const HeadLoss& head,
                                   double scale, std::vector<double>* losses = nullptr);

/// Whether matrix products of bfloat16 run in hardware here; without it they go through float32.
[[nodiscard]] bool has_fast_bfloat16();

}  // namespace cambium::tune
