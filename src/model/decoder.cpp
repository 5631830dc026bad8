#include "model/decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <map>

#include "model/decoder_blocks.h"

namespace cambium::model {

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

at::Tensor Decoder::embed(const at::Tensor& ids) const { return embedded(config_, weights_.embedding, ids); }

at::Tensor Decoder::attention(const at::Tensor& input, std::size_t index, const Prepared& prepared) const {
  const LayerWeights& layer = weights_.layers[index];
  const LayerConfig& form = config_.layers[index];
  const std::int64_t batch = input.size(0), seq = input.size(1), dim = config_.head_dim;
  const auto heads = [&](const Linear& projection, std::int64_t count) {
    return projected(projection, input).view({batch, seq, count, dim}).transpose(1, 2);
  };
  at::Tensor query = heads(layer.query, config_.num_heads);  // [batch, num_heads, seq, head_dim]
  at::Tensor key = heads(layer.key, config_.num_kv_heads);   // [batch, num_kv_heads, seq, head_dim]
  const at::Tensor value = heads(layer.value, config_.num_kv_heads);
  if (config_.query_key_norm) {
    query = normalised_heads(config_, layer.query_norm, query);
    key = normalised_heads(config_, layer.key_norm, key);
  }
  if (!config_.ropes.empty()) {
    const at::Tensor& cosine = prepared.cosines[form.rope];
    const at::Tensor& sine = prepared.sines[form.rope];
    query = rotated(query, cosine, sine);
    key = rotated(key, cosine, sine);
  }
  const at::Tensor output =
      attended(config_, form.attention_scale, query, key, value, prepared.visible.at(form.window));
  return projected(layer.attention_output, output.transpose(1, 2).reshape({batch, seq, config_.num_heads * dim}));
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
    at::Tensor attention_out = attention(normalised(config_, layer.attention_norm, hidden), i, prepared);
    if (config_.parallel_residual) {
      hidden =
          hidden + attention_out + fed_forward(config_, layer, normalised(config_, layer.feedforward_norm, hidden));
      continue;
    }
    if (config_.sandwich_norms) attention_out = normalised(config_, layer.attention_output_norm, attention_out);
    hidden = hidden + attention_out;
    at::Tensor fed = fed_forward(config_, layer, normalised(config_, layer.feedforward_norm, hidden));
    if (config_.sandwich_norms) fed = normalised(config_, layer.feedforward_output_norm, fed);
    hidden = hidden + fed;
  }
  hidden = normalised(config_, weights_.final_norm, hidden);
  if (hidden_states != nullptr) hidden_states->push_back(hidden);
  return hidden;
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const { return logits_of(config_, weights_.head, hidden); }

}  // namespace cambium::model
