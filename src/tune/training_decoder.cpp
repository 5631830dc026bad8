#include "tune/training_decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "model/activation.h"
#include "tune/gradient_node.h"

namespace cambium::tune {

namespace {

using family::Part;
using family::Role;
using model::NormKind;

// One projection, or several that read the same input and whose outputs stand side by side.
struct Projection {
  struct Member {
    TrainedWeight weight;
    Parameter* bias = nullptr;
    const LoraPair* lora = nullptr;
  };
  std::vector<Member> members;
  TrainedWeight joined;
  [[nodiscard]] bool has_bias() const {
    return std::ranges::any_of(members, [](const Member& member) { return member.bias != nullptr; });
  }
  [[nodiscard]] bool has_lora() const {
    return std::ranges::any_of(members, [](const Member& member) { return member.lora != nullptr; });
  }
};

struct NormPlace {
  RmsNorm rms;
  Parameter* weight = nullptr;  // LayerNorm's
  Parameter* bias = nullptr;
};

struct LayerParts {
  NormPlace attention_norm, attention_output_norm, feedforward_norm, feedforward_output_norm;
  RmsNorm query_norm, key_norm;
  Projection qkv, output, gate_up, down;  // gate_up: the up projection alone where there is no gate
};

at::Tensor general_linear(const model::Linear& layer, const at::Tensor& input) {
  return at::linear(input, layer.weight, layer.bias.defined() ? std::optional<at::Tensor>(layer.bias) : std::nullopt);
}

}  // namespace

struct TrainingDecoder::Impl {
  model::DecoderConfig config;
  const family::ModelDescription* description = nullptr;
  ParameterSet* parameters = nullptr;
  const LoraAdapters* lora = nullptr;
  std::string where;
  Options options;
  bool general = false;  // stored tensors must be rearranged: autograd's own operations multiply with them
  std::map<std::tuple<Role, int, bool>, Parameter*> places;
  std::vector<LayerParts> layers;
  TrainedWeight embedding;
  Parameter* positions = nullptr;
  NormPlace final_norm;
  HeadLoss head;

  struct Pass {  // what all layers of one forward pass share
    const std::vector<std::int64_t>* lengths = nullptr;
    std::vector<at::Tensor> cosines, sines;
    std::vector<model::LayerWeights> general;
  };

  [[nodiscard]] Parameter* find(Role role, int layer, bool bias = false) const {
    const auto found = places.find({role, layer, bias});
    return found == places.end() ? nullptr : found->second;
  }

  // A parameter in the activations' type, recorded.
  [[nodiscard]] at::Tensor recorded(const Parameter* parameter) const {
    return parameter->value.to(options.activations);
  }

  [[nodiscard]] NormPlace norm_place(Role role, int layer) const {
    NormPlace place;
    place.weight = find(role, layer);
    place.bias = find(role, layer, true);
    if (place.weight != nullptr && config.norm != NormKind::kLayer) place.rms = rms(place.weight);
    return place;
  }

  [[nodiscard]] RmsNorm rms(Parameter* weight) const {
    return {TrainedWeight::joined({weight}), config.norm_epsilon, config.norm == NormKind::kRmsPlusOne};
  }

  [[nodiscard]] Projection projection(const std::vector<Role>& roles, int layer) const {
    Projection result;
    std::vector<Parameter*> weights;
    for (const Role role : roles) {
      Parameter* weight = find(role, layer);
      weights.push_back(weight);
      result.members.push_back({TrainedWeight::joined({weight}), find(role, layer, true),
                                lora == nullptr ? nullptr : lora->find(weight->role.name)});
    }
    result.joined = TrainedWeight::joined(weights);
    return result;
  }

  void find_layers() {
    for (int i = 0; i < static_cast<int>(config.num_layers); ++i) {
      LayerParts layer;
      layer.attention_norm = norm_place(Role::kInputNorm, i);
      layer.feedforward_norm =
          norm_place(config.sandwich_norms ? Role::kPreFeedforwardNorm : Role::kPostAttentionNorm, i);
      if (config.sandwich_norms) {
        layer.attention_output_norm = norm_place(Role::kPostAttentionNorm, i);
        layer.feedforward_output_norm = norm_place(Role::kPostFeedforwardNorm, i);
      }
      if (config.query_key_norm) {
        layer.query_norm = rms(find(Role::kQueryNorm, i));
        layer.key_norm = rms(find(Role::kKeyNorm, i));
      }
      if (!general) {
        layer.qkv = config.qkv == model::QkvStorage::kSeparate ? projection({Role::kQuery, Role::kKey, Role::kValue}, i)
                                                               : projection({Role::kQueryKeyValue}, i);
        layer.output = projection({Role::kAttentionOutput}, i);
        if (find(Role::kGateUp, i) != nullptr) {
          layer.gate_up = projection({Role::kGateUp}, i);
        } else if (config.gated) {
          layer.gate_up = projection({Role::kGate, Role::kUp}, i);
        } else {
          layer.gate_up = projection({Role::kUp}, i);
        }
        layer.down = projection({Role::kDown}, i);
      }
      layers.push_back(std::move(layer));
    }
  }

  [[nodiscard]] at::Tensor adapted(const at::Tensor& input, const LoraPair& pair) const {
    at::Tensor x = input;
    if (options.lora_dropout > 0 && at::GradMode::is_enabled()) x = at::dropout(x, options.lora_dropout, true);
    return at::linear(at::linear(x, recorded(pair.a)), recorded(pair.b)) * pair.scale;
  }

  [[nodiscard]] at::Tensor project(const Projection& projection, const at::Tensor& input) const {
    at::Tensor output;
    if (projection.joined.value.defined()) {
      output = linear(input, projection.joined);
    } else {
      std::vector<at::Tensor> pieces;
      for (const Projection::Member& member : projection.members) pieces.push_back(linear(input, member.weight));
      output = at::cat(pieces, 1);
    }
    if (projection.has_bias()) {
      std::vector<at::Tensor> biases;
      for (const Projection::Member& member : projection.members) {
        biases.push_back(member.bias != nullptr ? recorded(member.bias)
                                                : at::zeros({member.weight.value.size(0)}, input.options()));
      }
      output = output + (biases.size() == 1 ? biases.front() : at::cat(biases));
    }
    if (!projection.has_lora()) return output;
    if (projection.members.size() == 1) return output + adapted(input, *projection.members.front().lora);
    std::vector<at::Tensor> pieces;
    std::int64_t first = 0;
    for (const Projection::Member& member : projection.members) {
      const std::int64_t size = member.weight.value.size(0);
      at::Tensor piece = output.narrow(1, first, size);
      if (member.lora != nullptr) piece = piece + adapted(input, *member.lora);
      pieces.push_back(piece);
      first += size;
    }
    return at::cat(pieces, 1);
  }

  [[nodiscard]] at::Tensor normalised(const at::Tensor& input, const NormPlace& norm) const {
    if (config.norm != NormKind::kLayer) return rms_norm(input, norm.rms);
    const auto bias = norm.bias == nullptr ? std::nullopt : std::optional<at::Tensor>(recorded(norm.bias));
    return at::layer_norm(input, {input.size(-1)}, recorded(norm.weight), bias, config.norm_epsilon);
  }

  [[nodiscard]] std::pair<at::Tensor, at::Tensor> sum_and_normalised(const at::Tensor& residual,
                                                                     const at::Tensor& delta,
                                                                     const NormPlace& norm) const {
    if (config.norm != NormKind::kLayer) return add_rms_norm(residual, delta, norm.rms);
    const at::Tensor sum = residual + delta;
    return {sum, normalised(sum, norm)};
  }

  [[nodiscard]] at::Tensor attended(const at::Tensor& input, std::size_t index, const Pass& pass) const {
    const LayerParts& layer = layers[index];
    const model::LayerConfig& form = config.layers[index];
    at::Tensor qkv;
    if (general) {
      const model::LayerWeights& weights = pass.general[index];
      qkv = at::cat({general_linear(weights.query, input), general_linear(weights.key, input),
                     general_linear(weights.value, input)},
                    1);
    } else {
      qkv = project(layer.qkv, input);
    }
    const std::int64_t rows = input.size(0), dim = config.head_dim;
    if (config.query_key_norm) {
      const std::int64_t queries = config.num_heads * dim, keys = config.num_kv_heads * dim;
      const at::Tensor query = rms_norm(qkv.narrow(1, 0, queries).reshape({-1, dim}), layer.query_norm);
      const at::Tensor key = rms_norm(qkv.narrow(1, queries, keys).reshape({-1, dim}), layer.key_norm);
      qkv = at::cat({query.view({rows, queries}), key.view({rows, keys}), qkv.narrow(1, queries + keys, keys)}, 1);
    }
    AttentionForm attention_form{.num_heads = config.num_heads,
                                 .num_kv_heads = config.num_kv_heads,
                                 .head_dim = dim,
                                 .scale = form.attention_scale,
                                 .window = form.window,
                                 .softcap = config.attention_softcap,
                                 .cosine = {},
                                 .sine = {}};
    if (!config.ropes.empty()) {
      attention_form.cosine = pass.cosines[form.rope];
      attention_form.sine = pass.sines[form.rope];
    }
    const at::Tensor output = attention(qkv, *pass.lengths, attention_form);
    return general ? general_linear(pass.general[index].attention_output, output) : project(layer.output, output);
  }

  [[nodiscard]] at::Tensor feedforward(const at::Tensor& input, std::size_t index, const Pass& pass) const {
    if (general) {
      const model::LayerWeights& weights = pass.general[index];
      const at::Tensor up = general_linear(weights.up, input);
      const at::Tensor inner = config.gated
                                   ? model::activated(config.activation, general_linear(weights.gate, input)) * up
                                   : model::activated(config.activation, up);
      return general_linear(weights.down, inner);
    }
    const LayerParts& layer = layers[index];
    const at::Tensor up = project(layer.gate_up, input);
    if (!config.gated) return project(layer.down, model::activated(config.activation, up));
    if (config.activation == model::Activation::kSilu) return project(layer.down, silu_gated(up));
    const std::int64_t inner = up.size(1) / 2;
    return project(layer.down,
                   model::activated(config.activation, up.narrow(1, 0, inner)) * up.narrow(1, inner, inner));
  }

  [[nodiscard]] at::Tensor run_layer(const at::Tensor& hidden, std::size_t index, const Pass& pass) const {
    const LayerParts& layer = layers[index];
    at::Tensor mixed = attended(normalised(hidden, layer.attention_norm), index, pass);
    if (config.parallel_residual) {
      return hidden + mixed + feedforward(normalised(hidden, layer.feedforward_norm), index, pass);
    }
    if (config.sandwich_norms) mixed = normalised(mixed, layer.attention_output_norm);
    const auto [sum, normed] = sum_and_normalised(hidden, mixed, layer.feedforward_norm);
    at::Tensor fed = feedforward(normed, index, pass);
    if (config.sandwich_norms) fed = normalised(fed, layer.feedforward_output_norm);
    return sum + fed;
  }

  // Positions restart with each sequence; frequencies that depend on the length go by the sequence's own.
  void add_rotation(const model::RopeConfig& rope, Pass& pass) const {
    const std::vector<std::int64_t>& lengths = *pass.lengths;
    std::map<std::int64_t, at::Tensor> tables;  // by length class: angles of all its positions
    const std::int64_t longest = *std::ranges::max_element(lengths), fixed = rope.fixed_up_to();
    const auto angles_for = [&](std::int64_t length) {
      const std::int64_t key = length <= fixed ? 0 : length;
      at::Tensor& table = tables[key];
      if (!table.defined()) {
        const std::int64_t size = key == 0 ? std::min(longest, fixed) : length;
        const std::vector<float> frequencies = rope.inverse_frequencies(key == 0 ? size : length);
        table = at::arange(size, at::TensorOptions().dtype(at::kFloat)).unsqueeze(1) *
                at::tensor(at::ArrayRef<float>(frequencies));
      }
      return table.narrow(0, 0, length);
    };
    std::vector<at::Tensor> angles;
    for (const std::int64_t length : lengths) angles.push_back(angles_for(length));
    const at::Tensor all = at::cat(angles, 0);
    pass.cosines.push_back((all.cos() * rope.attention_factor).contiguous());
    pass.sines.push_back((all.sin() * rope.attention_factor).contiguous());
  }

  [[nodiscard]] at::Tensor looked_up(const family::TensorRole& role) const {
    const Parameter* parameter = parameters->find(role.name);
    at::Tensor value = recorded(parameter);
    const LoraPair* pair = lora == nullptr ? nullptr : lora->find(role.name);
    if (pair == nullptr) return value;
    const at::Tensor product = at::linear(recorded(pair->b), recorded(pair->a).t()) * pair->scale;  // [out, in]
    return value + (role.transposed ? product.t() : product);
  }
};

TrainingDecoder::TrainingDecoder(const model::DecoderConfig& config, const family::ModelDescription& description,
                                 ParameterSet& parameters, const LoraAdapters* lora, const std::string& where,
                                 const Options& options)
    : impl_(std::make_unique<Impl>()) {
  Impl& impl = *impl_;
  impl.config = config;
  impl.description = &description;
  impl.parameters = &parameters;
  impl.lora = lora;
  impl.where = where;
  impl.options = options;
  {
    // Finds what is missing or of the wrong shape, by name.
    const at::NoGradGuard off;
    (void)model::assemble_decoder(description, config, where,
                                  [&](const family::TensorRole& role) { return parameters.find(role.name)->value; });
  }
  impl.general = config.qkv == model::QkvStorage::kFusedByHead;
  for (Parameter& parameter : parameters.all()) {
    const family::TensorRole& role = parameter.role;
    if (role.part != Part::kLanguage || role.role == Role::kOther) continue;
    impl.general = impl.general || role.transposed;
    impl.places.emplace(std::make_tuple(role.role, role.layer, role.bias), &parameter);
  }
  impl.find_layers();
  impl.final_norm = impl.norm_place(Role::kFinalNorm, -1);
  Parameter* embedding = impl.find(Role::kEmbedding, -1);
  impl.embedding = TrainedWeight::joined({embedding});
  impl.positions = impl.find(Role::kPositionEmbedding, -1);
  impl.head.head = config.tied_head ? impl.embedding : TrainedWeight::joined({impl.find(Role::kLmHead, -1)});
  if (const Parameter* bias = impl.find(Role::kLmHead, -1, true); bias != nullptr) {
    impl.head.bias = bias->value.detach();
  }
  impl.head.softcap = config.logit_softcap;
}

TrainingDecoder::~TrainingDecoder() = default;
TrainingDecoder::TrainingDecoder(TrainingDecoder&&) noexcept = default;
TrainingDecoder& TrainingDecoder::operator=(TrainingDecoder&&) noexcept = default;

const model::DecoderConfig& TrainingDecoder::config() const { return impl_->config; }

at::Tensor TrainingDecoder::embed(const at::Tensor& ids) const {
  at::Tensor embedded = tune::embed(ids, impl_->embedding, impl_->options.activations);
  if (impl_->config.embedding_scale != 1.0) {
    // The scale is rounded to the weights' type, as transformers does.
    const at::Tensor scale = at::ones({}, impl_->embedding.value.options()) * impl_->config.embedding_scale;
    embedded = embedded * scale.to(impl_->options.activations);
  }
  return embedded;
}

at::Tensor TrainingDecoder::forward(const at::Tensor& embeddings, const std::vector<std::int64_t>& lengths) const {
  Impl& impl = *impl_;
  const auto pass = std::make_shared<Impl::Pass>();
  const auto kept_lengths = std::make_shared<const std::vector<std::int64_t>>(lengths);
  pass->lengths = kept_lengths.get();
  for (const model::RopeConfig& rope : impl.config.ropes) impl.add_rotation(rope, *pass);
  if (impl.general) {
    pass->general =
        model::assemble_decoder(*impl.description, impl.config, impl.where, [&](const family::TensorRole& role) {
          return impl.looked_up(role);
        }).layers;
  }
  at::Tensor hidden = embeddings;  // [rows, hidden]
  if (impl.config.learned_positions) {
    std::vector<at::Tensor> places;
    for (const std::int64_t length : lengths) places.push_back(at::arange(length, at::kLong));
    hidden = hidden + at::index_select(impl.recorded(impl.positions), 0, at::cat(places));
  }
  for (std::size_t i = 0; i < impl.layers.size(); ++i) {
    if (impl.options.recompute) {
      hidden = recomputed(
          [&impl, i, pass, kept_lengths](const at::Tensor& input) { return impl.run_layer(input, i, *pass); }, hidden);
    } else {
      hidden = impl.run_layer(hidden, i, *pass);
    }
  }
  return impl.normalised(hidden, impl.final_norm);
}

at::Tensor TrainingDecoder::loss(const at::Tensor& hidden, const at::Tensor& targets, double scale,
                                 std::vector<double>* losses) const {
  return head_loss(hidden, targets, impl_->head, scale, losses);
}

at::Tensor TrainingDecoder::most_probable(const at::Tensor& hidden) const {
  constexpr std::int64_t kRows = 128;
  const at::NoGradGuard off;
  const at::Tensor head = impl_->head.head.value.to(hidden.scalar_type());
  std::vector<at::Tensor> best;
  for (std::int64_t first = 0; first < hidden.size(0); first += kRows) {
    at::Tensor logits = at::mm(hidden.narrow(0, first, std::min(kRows, hidden.size(0) - first)), head.t());
    if (impl_->head.bias.defined()) logits.add_(impl_->head.bias);
    best.push_back(logits.argmax(1));
  }
  return at::cat(best);
}

}  // namespace cambium::tune
