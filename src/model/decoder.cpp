#include "model/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <limits>
#include <map>
#include <optional>

#include "model/activation.h"

namespace cambium::model {

namespace {

at::Tensor apply(const Linear& layer, const at::Tensor& input) {
  return at::linear(input, layer.weight, layer.bias.defined() ? std::optional<at::Tensor>(layer.bias) : std::nullopt);
}

// Statistics in float32 whatever the type of the input, as Hugging Face does.
at::Tensor rms_normalised(const at::Tensor& input, const at::Tensor& weight, double epsilon, bool plus_one) {
  const at::Tensor wide = input.to(at::kFloat);
  const at::Tensor normed = wide * at::rsqrt(wide.pow(2).mean(-1, true) + epsilon);
  if (plus_one) return (normed * (weight.to(at::kFloat) + 1.0)).to(input.scalar_type());
  return normed.to(input.scalar_type()) * weight;
}

// The first rotary_dim values of each head, taken as two halves, are turned by the position's angles.
// heads: [batch, heads, seq, head_dim]; cosine, sine: [batch, 1, seq, rotary_dim / 2]
at::Tensor rotated(const at::Tensor& heads, const at::Tensor& cosine, const at::Tensor& sine) {
  const std::int64_t half = cosine.size(-1), rest = heads.size(-1) - 2 * half;
  const at::Tensor first = heads.narrow(-1, 0, half), second = heads.narrow(-1, half, half);
  std::vector<at::Tensor> parts{first * cosine - second * sine, second * cosine + first * sine};
  if (rest > 0) parts.push_back(heads.narrow(-1, 2 * half, rest));
  return at::cat(parts, -1);
}

}  // namespace

struct Decoder::Prepared {
  std::vector<at::Tensor> cosines, sines;      // one a rope: [batch, 1, seq, rotary_dim / 2]
  std::map<std::int64_t, at::Tensor> visible;  // by window: [batch, 1, seq, seq] bool; undefined: plain causal
};

AttentionLayout AttentionLayout::from_mask(const at::Tensor& attention_mask) {
  AttentionLayout layout;
  const at::Tensor mask = attention_mask.to(at::kLong);
  const at::Tensor counted = mask.cumsum(-1);
  layout.positions = (counted - 1).clamp_min(0);
  layout.length = counted.numel() == 0 ? 0 : counted.max().item<std::int64_t>();
  if (!mask.all().item<bool>()) layout.segments = mask;
  return layout;
}

Decoder::Decoder(DecoderConfig config, DecoderWeights weights)
    : config_(std::move(config)), weights_(std::move(weights)) {}

at::Tensor Decoder::embed(const at::Tensor& ids) const {
  at::Tensor embedded = at::embedding(weights_.embedding, ids);
  if (config_.embedding_scale != 1.0) {
    // The scale is rounded to the weights' type, as Hugging Face does.
    const at::Tensor scale = at::ones({}, embedded.options()) * config_.embedding_scale;
    embedded = embedded * scale;
  }
  return embedded;
}

at::Tensor Decoder::normalised(const at::Tensor& input, const Norm& norm) const {
  if (config_.norm == NormKind::kLayer) {
    const auto bias = norm.bias.defined() ? std::optional<at::Tensor>(norm.bias) : std::nullopt;
    return at::layer_norm(input, {input.size(-1)}, norm.weight, bias, config_.norm_epsilon);
  }
  return rms_normalised(input, norm.weight, config_.norm_epsilon, config_.norm == NormKind::kRmsPlusOne);
}

at::Tensor Decoder::attention(const at::Tensor& input, std::size_t index, const Prepared& prepared) const {
  const LayerWeights& layer = weights_.layers[index];
  const LayerConfig& form = config_.layers[index];
  const std::int64_t batch = input.size(0), seq = input.size(1), dim = config_.head_dim;
  const auto heads = [&](const Linear& projection, std::int64_t count) {
    return apply(projection, input).view({batch, seq, count, dim}).transpose(1, 2);
  };
  at::Tensor query = heads(layer.query, config_.num_heads);  // [batch, num_heads, seq, head_dim]
  at::Tensor key = heads(layer.key, config_.num_kv_heads);   // [batch, num_kv_heads, seq, head_dim]
  const at::Tensor value = heads(layer.value, config_.num_kv_heads);
  if (config_.query_key_norm) {
    const bool plus_one = config_.norm == NormKind::kRmsPlusOne;
    query = rms_normalised(query, layer.query_norm, config_.norm_epsilon, plus_one);
    key = rms_normalised(key, layer.key_norm, config_.norm_epsilon, plus_one);
  }
  if (!config_.ropes.empty()) {
    const at::Tensor& cosine = prepared.cosines[form.rope];
    const at::Tensor& sine = prepared.sines[form.rope];
    query = rotated(query, cosine, sine);
    key = rotated(key, cosine, sine);
  }
  const at::Tensor& visible = prepared.visible.at(form.window);
  at::Tensor output;  // [batch, num_heads, seq, head_dim]
  if (config_.attention_softcap > 0) {
    const std::int64_t group = config_.num_heads / config_.num_kv_heads;
    at::Tensor scores = at::matmul(query, key.repeat_interleave(group, 1).transpose(-1, -2)) * form.attention_scale;
    scores = at::tanh(scores / config_.attention_softcap) * config_.attention_softcap;
    scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<float>::infinity());
    const at::Tensor shares = at::softmax(scores, -1, at::kFloat).to(value.scalar_type());
    output = at::matmul(shares, value.repeat_interleave(group, 1));
  } else {
    const auto mask = visible.defined() ? std::optional<at::Tensor>(visible) : std::nullopt;
    output = at::scaled_dot_product_attention(query, key, value, mask, 0.0, !visible.defined(), form.attention_scale,
                                              config_.num_heads != config_.num_kv_heads);
  }
  return apply(layer.attention_output, output.transpose(1, 2).reshape({batch, seq, config_.num_heads * dim}));
}

at::Tensor Decoder::feedforward(const at::Tensor& input, const LayerWeights& layer) const {
  if (!config_.gated) return apply(layer.down, activated(config_.activation, apply(layer.up, input)));
  return apply(layer.down, activated(config_.activation, apply(layer.gate, input)) * apply(layer.up, input));
}

at::Tensor Decoder::forward_embeddings(const at::Tensor& embeddings, const AttentionLayout& layout,
                                       std::vector<at::Tensor>* hidden_states) const {
  const std::int64_t seq = embeddings.size(1);
  Prepared prepared;
  for (const RopeConfig& rope : config_.ropes) {
    const std::vector<float> frequencies = rope.inverse_frequencies(layout.length);
    const at::Tensor inverse = at::tensor(at::ArrayRef<float>(frequencies)).to(embeddings.device());
    const at::Tensor angles = (layout.positions.to(at::kFloat).unsqueeze(-1) * inverse).unsqueeze(1);
    prepared.cosines.push_back((angles.cos() * rope.attention_factor).to(embeddings.scalar_type()));
    prepared.sines.push_back((angles.sin() * rope.attention_factor).to(embeddings.scalar_type()));
  }
  for (const LayerConfig& layer : config_.layers) {
    if (prepared.visible.contains(layer.window)) continue;
    at::Tensor& visible = prepared.visible[layer.window];
    if (!layout.segments.defined() && layer.window == 0 && config_.attention_softcap == 0) continue;
    const at::Tensor order = at::ones({seq, seq}, layout.positions.options().dtype(at::kBool));
    visible = order.tril().view({1, 1, seq, seq});
    if (layer.window > 0) visible = visible.logical_and(order.triu(1 - layer.window).view({1, 1, seq, seq}));
    if (layout.segments.defined()) {
      const at::Tensor same = layout.segments.unsqueeze(-1).eq(layout.segments.unsqueeze(-2)).unsqueeze(1);
      visible = visible.logical_and(same);
      // A padding token sees itself only: a softmax over nothing would be NaN.
      const at::Tensor padding = layout.segments.eq(0).unsqueeze(-1).unsqueeze(1);
      const at::Tensor itself = order.tril().logical_and(order.triu()).view({1, 1, seq, seq});
      visible = at::where(padding, itself, visible);
    }
  }

  at::Tensor hidden = embeddings;  // [batch, seq, hidden]
  if (config_.learned_positions) hidden = hidden + at::embedding(weights_.positions, layout.positions);
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    const LayerWeights& layer = weights_.layers[i];
    if (hidden_states != nullptr) hidden_states->push_back(hidden);
    at::Tensor attended = attention(normalised(hidden, layer.attention_norm), i, prepared);
    if (config_.parallel_residual) {
      hidden = hidden + attended + feedforward(normalised(hidden, layer.feedforward_norm), layer);
      continue;
    }
    if (config_.sandwich_norms) attended = normalised(attended, layer.attention_output_norm);
    hidden = hidden + attended;
    at::Tensor fed = feedforward(normalised(hidden, layer.feedforward_norm), layer);
    if (config_.sandwich_norms) fed = normalised(fed, layer.feedforward_output_norm);
    hidden = hidden + fed;
  }
  hidden = normalised(hidden, weights_.final_norm);
  if (hidden_states != nullptr) hidden_states->push_back(hidden);
  return hidden;
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  at::Tensor logits = apply(weights_.head, hidden);
  if (config_.logit_softcap > 0) logits = at::tanh(logits / config_.logit_softcap) * config_.logit_softcap;
  return logits;
}

}  // namespace cambium::model
