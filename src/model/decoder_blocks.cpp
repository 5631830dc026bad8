#include "model/decoder_blocks.h"

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

#include <limits>
#include <optional>

#include "model/activation.h"

namespace cambium::model {

namespace {

std::optional<at::Tensor> if_defined(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional<at::Tensor>(tensor) : std::nullopt;
}

at::Tensor rms_normalised(const at::Tensor& input, const at::Tensor& weight, double epsilon, bool plus_one) {
  const at::Tensor wide = input.to(at::kFloat);
  const at::Tensor normed = wide * at::rsqrt(wide.pow(2).mean(-1, true) + epsilon);
  if (plus_one) return (normed * (weight.to(at::kFloat) + 1.0)).to(input.scalar_type());
  return normed.to(input.scalar_type()) * weight;
}

}  // namespace

at::Tensor projected(const Linear& layer, const at::Tensor& input) {
  return at::linear(input, layer.weight, if_defined(layer.bias));
}

at::Tensor normalised(const DecoderConfig& config, const Norm& norm, const at::Tensor& input) {
  if (config.norm == NormKind::kLayer) {
    return at::layer_norm(input, {input.size(-1)}, norm.weight, if_defined(norm.bias), config.norm_epsilon);
  }
  return rms_normalised(input, norm.weight, config.norm_epsilon, config.norm == NormKind::kRmsPlusOne);
}

at::Tensor normalised_heads(const DecoderConfig& config, const at::Tensor& weight, const at::Tensor& input) {
  return rms_normalised(input, weight, config.norm_epsilon, config.norm == NormKind::kRmsPlusOne);
}

at::Tensor rotated(const at::Tensor& heads, const at::Tensor& cosine, const at::Tensor& sine) {
  const std::int64_t half = cosine.size(-1), rest = heads.size(-1) - 2 * half;
  const at::Tensor first = heads.narrow(-1, 0, half), second = heads.narrow(-1, half, half);
  std::vector<at::Tensor> parts{first * cosine - second * sine, second * cosine + first * sine};
  if (rest > 0) parts.push_back(heads.narrow(-1, 2 * half, rest));
  return at::cat(parts, -1);
}

at::Tensor embedded(const DecoderConfig& config, const at::Tensor& embedding, const at::Tensor& ids) {
  at::Tensor values = at::embedding(embedding, ids);
  if (config.embedding_scale == 1.0) return values;
  // The scale is rounded to the weights' type, as Hugging Face does.
  return values * (at::ones({}, values.options()) * config.embedding_scale);
}

at::Tensor attended(const DecoderConfig& config, double scale, const at::Tensor& query, const at::Tensor& key,
                    const at::Tensor& value, const at::Tensor& visible) {
  if (config.attention_softcap == 0) {
    return at::scaled_dot_product_attention(query, key, value, if_defined(visible), 0.0, !visible.defined(), scale,
                                            config.num_heads != config.num_kv_heads);
  }
  const std::int64_t group = config.num_heads / config.num_kv_heads;
  at::Tensor scores = at::matmul(query, key.repeat_interleave(group, 1).transpose(-1, -2)) * scale;
  scores = at::tanh(scores / config.attention_softcap) * config.attention_softcap;
  scores = scores.masked_fill(visible.logical_not(), -std::numeric_limits<float>::infinity());
  const at::Tensor shares = at::softmax(scores, -1, at::kFloat).to(value.scalar_type());
  return at::matmul(shares, value.repeat_interleave(group, 1));
}

at::Tensor fed_forward(const DecoderConfig& config, const LayerWeights& layer, const at::Tensor& input) {
  if (!config.gated) return projected(layer.down, activated(config.activation, projected(layer.up, input)));
  return projected(layer.down, activated(config.activation, projected(layer.gate, input)) * projected(layer.up, input));
}

at::Tensor logits_of(const DecoderConfig& config, const Linear& head, const at::Tensor& hidden) {
  const at::Tensor logits = projected(head, hidden);
  return config.logit_softcap > 0 ? at::tanh(logits / config.logit_softcap) * config.logit_softcap : logits;
}

}  // namespace cambium::model
