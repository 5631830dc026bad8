#include "model/decoder_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <tuple>

#include "family/model_description.h"
#include "tensor/error.h"

namespace cambium::model {

namespace {

using family::Part;
using family::Role;
using family::TensorRole;

class Assembly {
 public:
  Assembly(const family::ModelDescription& description, const DecoderConfig& config, std::string_view where,
           const TensorLookup& tensor)
      : config_(config), where_(where), tensor_(tensor) {
    for (const TensorRole& role : description.tensors) {
      if (role.part == Part::kLanguage && role.role != Role::kOther) {
        roles_.emplace(Key{role.role, role.layer, role.bias}, &role);
      }
    }
  }

  DecoderWeights run() {
    DecoderWeights weights = outside();
    for (int i = 0; i < static_cast<int>(config_.num_layers); ++i) weights.layers.push_back(layer(i));
    finish();
    return weights;
  }

  DecoderWeights outside_layers() {
    DecoderWeights weights = outside();
    finish();
    return weights;
  }

  LayerWeights one_layer(std::size_t index) {
    LayerWeights weights = layer(static_cast<int>(index));
    finish();
    return weights;
  }

 private:
  using Key = std::tuple<Role, int, bool>;

  DecoderWeights outside() {
    DecoderWeights weights;
    const std::int64_t hidden = config_.hidden_size;
    weights.embedding = required(Role::kEmbedding, -1, {config_.vocab_size, hidden});
    if (config_.learned_positions) {
      weights.positions = required(Role::kPositionEmbedding, -1, {config_.max_positions, hidden});
    }
    weights.final_norm = norm(Role::kFinalNorm, -1, hidden);
    if (const TensorRole* head = find(Role::kLmHead, -1, false); head != nullptr && !config_.tied_head) {
      weights.head = linear(Role::kLmHead, -1, config_.vocab_size, hidden);
    } else if (config_.tied_head) {
      weights.head.weight = weights.embedding;
    } else {
      missing_.emplace_back("lm_head.weight");
    }
    return weights;
  }

  void finish() const {
    if (missing_.empty()) return;
    throw CheckpointError(fmt::format("{}: the model lacks {} tensor{} that its config asks for: {}", where_,
                                      missing_.size(), missing_.size() == 1 ? "" : "s", fmt::join(missing_, ", ")));
  }

  const TensorRole* find(Role role, int layer, bool bias) const {
    const auto found = roles_.find({role, layer, bias});
    return found == roles_.end() ? nullptr : found->second;
  }

  at::Tensor checked(const TensorRole& role, const std::vector<std::int64_t>& shape) {
    at::Tensor value = tensor_(role);
    if (role.transposed) value = value.t();
    if (value.sizes() != at::IntArrayRef(shape)) {
      throw CheckpointError(fmt::format("{}: tensor '{}' has shape [{}], but the config asks for [{}]", where_,
                                        role.name, fmt::join(value.sizes().vec(), ", "), fmt::join(shape, ", ")));
    }
    return value;
  }

  // Undefined (and noted as missing) if the model has no such tensor.
  at::Tensor required(Role role, int layer, const std::vector<std::int64_t>& shape) {
    const TensorRole* found = find(role, layer, false);
    if (found != nullptr) return checked(*found, shape);
    missing_.push_back(layer < 0 ? std::string(name_of(role)) : fmt::format("layer {} {}", layer, name_of(role)));
    return {};
  }

  at::Tensor optional_bias(Role role, int layer, std::int64_t size) {
    const TensorRole* found = find(role, layer, true);
    return found == nullptr ? at::Tensor() : checked(*found, {size});
  }

  Linear linear(Role role, int layer, std::int64_t out, std::int64_t in) {
    return {required(role, layer, {out, in}), optional_bias(role, layer, out)};
  }

  Norm norm(Role role, int layer, std::int64_t size) {
    return {required(role, layer, {size}), optional_bias(role, layer, size)};
  }

  static Linear rows(const Linear& fused, std::int64_t first, std::int64_t count) {
    Linear part;
    if (fused.weight.defined()) part.weight = fused.weight.narrow(0, first, count);
    if (fused.bias.defined()) part.bias = fused.bias.narrow(0, first, count);
    return part;
  }

  // Rows of a head-by-head fused tensor: [heads, 3, head_dim, ...] -> [heads * head_dim, ...] of one of the three.
  at::Tensor by_head(const at::Tensor& fused, std::int64_t which) const {
    if (!fused.defined()) return {};
    std::vector<std::int64_t> split{config_.num_heads, 3, config_.head_dim},
        joined{config_.num_heads * config_.head_dim};
    if (fused.dim() == 2) {
      split.push_back(fused.size(1));
      joined.push_back(fused.size(1));
    }
    return fused.reshape(split).select(1, which).reshape(joined);
  }

  void attention(int i, LayerWeights& layer) {
    const std::int64_t hidden = config_.hidden_size;
    const std::int64_t q = config_.num_heads * config_.head_dim, kv = config_.num_kv_heads * config_.head_dim;
    if (config_.qkv == QkvStorage::kSeparate) {
      layer.query = linear(Role::kQuery, i, q, hidden);
      layer.key = linear(Role::kKey, i, kv, hidden);
      layer.value = linear(Role::kValue, i, kv, hidden);
    } else {
      const Linear fused = linear(Role::kQueryKeyValue, i, q + 2 * kv, hidden);
      if (config_.qkv == QkvStorage::kFused) {
        layer.query = rows(fused, 0, q);
        layer.key = rows(fused, q, kv);
        layer.value = rows(fused, q + kv, kv);
      } else {
        layer.query = {by_head(fused.weight, 0), by_head(fused.bias, 0)};
        layer.key = {by_head(fused.weight, 1), by_head(fused.bias, 1)};
        layer.value = {by_head(fused.weight, 2), by_head(fused.bias, 2)};
      }
    }
    if (config_.query_key_norm) {
      layer.query_norm = required(Role::kQueryNorm, i, {config_.head_dim});
      layer.key_norm = required(Role::kKeyNorm, i, {config_.head_dim});
    }
    layer.attention_output = linear(Role::kAttentionOutput, i, hidden, q);
  }

  void feedforward(int i, LayerWeights& layer) {
    const std::int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
    if (config_.gated && find(Role::kGateUp, i, false) != nullptr) {
      const Linear fused = linear(Role::kGateUp, i, 2 * inner, hidden);
      layer.gate = rows(fused, 0, inner);
      layer.up = rows(fused, inner, inner);
    } else {
      if (config_.gated) layer.gate = linear(Role::kGate, i, inner, hidden);
      layer.up = linear(Role::kUp, i, inner, hidden);
    }
    layer.down = linear(Role::kDown, i, hidden, inner);
  }

  LayerWeights layer(int i) {
    const std::int64_t hidden = config_.hidden_size;
    LayerWeights layer;
    layer.attention_norm = norm(Role::kInputNorm, i, hidden);
    attention(i, layer);
    if (config_.sandwich_norms) {
      layer.attention_output_norm = norm(Role::kPostAttentionNorm, i, hidden);
      layer.feedforward_norm = norm(Role::kPreFeedforwardNorm, i, hidden);
      layer.feedforward_output_norm = norm(Role::kPostFeedforwardNorm, i, hidden);
    } else {
      layer.feedforward_norm = norm(Role::kPostAttentionNorm, i, hidden);
    }
    feedforward(i, layer);
    return layer;
  }

  const DecoderConfig& config_;
  std::string_view where_;
  const TensorLookup& tensor_;
  std::map<Key, const TensorRole*> roles_;
  std::vector<std::string> missing_;
};

}  // namespace

DecoderWeights assemble_decoder(const family::ModelDescription& description, const DecoderConfig& config,
                                std::string_view where, const TensorLookup& tensor) {
  return Assembly(description, config, where, tensor).run();
}

LayerWeights assemble_layer(const family::ModelDescription& description, const DecoderConfig& config,
                            std::string_view where, std::size_t layer, const TensorLookup& tensor) {
  return Assembly(description, config, where, tensor).one_layer(layer);
}

DecoderWeights assemble_outside_layers(const family::ModelDescription& description, const DecoderConfig& config,
                                       std::string_view where, const TensorLookup& tensor) {
  return Assembly(description, config, where, tensor).outside_layers();
}

void check_decoder(const family::ModelDescription& description, const DecoderConfig& config, std::string_view where) {
  // Tensors of the right shape that hold one value only.
  const at::Tensor value = at::empty({1}, at::TensorOptions().dtype(at::kByte));
  (void)assemble_decoder(description, config, where, [&](const TensorRole& role) {
    if (role.shape.empty()) return value.squeeze(0);
    return value.expand(role.shape);
  });
}

at::ScalarType scalar_type_of(DType dtype, std::string_view name) {
  switch (dtype) {
    case DType::kF16:
      return at::kHalf;
    case DType::kBF16:
      return at::kBFloat16;
    case DType::kF32:
      return at::kFloat;
    case DType::kF64:
      return at::kDouble;
    default:
      throw CheckpointError(fmt::format("tensor '{}' is stored as {}; the engine runs F16, BF16, F32 and F64 weights",
                                        name, name_of(dtype)));
  }
}

at::Tensor load_tensor(const checkpoint::WeightSource& source, std::string_view name, at::ScalarType dtype) {
  const checkpoint::TensorInfo* info = source.find(name);
  if (info == nullptr) throw CheckpointError(fmt::format("{}: no tensor '{}'", source.label(), name));
  const at::TensorOptions stored = at::TensorOptions().dtype(scalar_type_of(info->dtype, name));
  const std::span<const std::byte> bytes = source.mapped(name);
  // Tensors that take part in SIMD loads need their element type's alignment at least; safetensors does not promise it.
  const bool aligned =
      reinterpret_cast<std::uintptr_t>(bytes.data()) % static_cast<std::uintptr_t>(bits_of(info->dtype) / 8) == 0;
  at::Tensor value;
  if (!bytes.empty() && aligned) {
    // Nothing writes to a model's weights; at::Tensor has no read-only form.
    value = at::from_blob(const_cast<std::byte*>(bytes.data()), info->shape, stored);  // NOLINT
  } else {
    value = at::empty(info->shape, stored);
    source.read(name, {static_cast<std::byte*>(value.data_ptr()), info->bytes()});
  }
  return value.to(dtype);
}

void reload_tensor(const checkpoint::WeightSource& source, std::string_view name, at::Tensor& into) {
  const checkpoint::TensorInfo* info = source.find(name);
  if (info == nullptr) throw CheckpointError(fmt::format("{}: no tensor '{}'", source.label(), name));
  if (scalar_type_of(info->dtype, name) == into.scalar_type()) {
    source.read(name, {static_cast<std::byte*>(into.data_ptr()), info->bytes()});
  } else {
    into.copy_(load_tensor(source, name, into.scalar_type()));
  }
}

bool is_mapped(const checkpoint::WeightSource& source, std::string_view name, const at::Tensor& tensor) {
  const std::span<const std::byte> bytes = source.mapped(name);
  return !bytes.empty() && tensor.defined() && tensor.const_data_ptr() == bytes.data();
}

}  // namespace cambium::model
