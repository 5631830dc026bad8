#include "model/vision/vision_tower.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/activation.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

// Looks tensors up by canonical name, checks shapes, and gathers what is missing for one message.
class Collector {
 public:
  Collector(const family::ModelDescription& description, std::string_view where, const TensorLookup& lookup)
      : description_(description), where_(where), lookup_(lookup) {}

  at::Tensor take(const std::string& canonical, const std::vector<std::int64_t>& shape, bool required = true) {
    const family::TensorRole* role = description_.find_canonical(canonical);
    if (role == nullptr) {
      if (required) missing_.push_back(canonical);
      return {};
    }
    at::Tensor tensor = lookup_(*role);
    if (tensor.sizes() != at::IntArrayRef(shape)) {
      throw CheckpointError(fmt::format("{}: tensor '{}' has shape [{}], expected [{}] by the config", where_,
                                        role->name, fmt::join(tensor.sizes().vec(), ", "), fmt::join(shape, ", ")));
    }
    return tensor;
  }
  Linear linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias = true) {
    return {take(name + ".weight", {out, in}), take(name + ".bias", {out}, bias)};
  }
  Norm norm(const std::string& name, std::int64_t size) {
    return {take(name + ".weight", {size}), take(name + ".bias", {size})};
  }
  [[nodiscard]] bool has(const std::string& canonical) const {
    return description_.find_canonical(canonical) != nullptr;
  }
  void finish() const {
    if (!missing_.empty())
      throw CheckpointError(fmt::format("{}: {} tensors of the vision part are missing: {}", where_, missing_.size(),
                                        fmt::join(missing_, ", ")));
  }

 private:
  const family::ModelDescription& description_;
  std::string_view where_;
  const TensorLookup& lookup_;
  std::vector<std::string> missing_;
};

at::Tensor apply(const Linear& linear, const at::Tensor& input) {
  return at::linear(input, linear.weight, linear.bias);
}

}  // namespace

VisionWeights assemble_vision(const family::ModelDescription& description, const VisionConfig& config,
                              const VisionNames& names, std::string_view where, const TensorLookup& tensor) {
  const TowerConfig& tower = config.tower;
  const std::int64_t width = tower.hidden_size;
  Collector collector(description, where, tensor);
  VisionWeights weights;
  const std::string embeddings = fmt::format("{}embeddings.", names.tower);
  const std::string projector(names.projector);
  if (tower.class_token) weights.class_embedding = collector.take(embeddings + "class_embedding", {width});
  weights.patch = {collector.take(embeddings + "patch_embedding.weight",
                                  {width, tower.num_channels, tower.patch_height, tower.patch_width}),
                   collector.take(embeddings + "patch_embedding.bias", {width}, !tower.class_token)};
  weights.positions =
      collector.take(embeddings + "position_embedding.weight", {tower.patches() + (tower.class_token ? 1 : 0), width});
  if (tower.pre_norm) weights.pre_norm = collector.norm(fmt::format("{}pre_layrnorm", names.tower), width);
  for (std::int64_t index = 0; index < tower.num_layers; ++index) {
    const std::string start = fmt::format("{}encoder.layers.{}.", names.tower, index);
    TowerLayer layer;
    layer.norm1 = collector.norm(start + "layer_norm1", width);
    layer.norm2 = collector.norm(start + "layer_norm2", width);
    layer.query = collector.linear(start + "self_attn.q_proj", width, width);
    layer.key = collector.linear(start + "self_attn.k_proj", width, width);
    layer.value = collector.linear(start + "self_attn.v_proj", width, width);
    layer.output = collector.linear(start + "self_attn.out_proj", width, width);
    layer.up = collector.linear(start + "mlp.fc1", tower.intermediate_size, width);
    layer.down = collector.linear(start + "mlp.fc2", width, tower.intermediate_size);
    weights.layers.push_back(std::move(layer));
  }
  const std::int64_t hidden = description.language.hidden_size;
  const std::int64_t features = width * static_cast<std::int64_t>(config.feature_layers.size());
  weights.projector.push_back(collector.linear(projector + "linear_1", hidden, features, false));
  if (collector.has(projector + "linear_2.weight")) {
    weights.projector.push_back(collector.linear(projector + "linear_2", hidden, hidden, false));
  }
  collector.finish();
  return weights;
}

VisionTower::VisionTower(VisionConfig config, VisionWeights weights)
    : config_(std::move(config)), weights_(std::move(weights)) {}

at::Tensor VisionTower::layer(const at::Tensor& input, const TowerLayer& weights) const {
  const std::int64_t pictures = input.size(0);
  const std::int64_t tokens = input.size(1);
  const std::int64_t width = config_.tower.hidden_size;
  const std::int64_t heads = config_.tower.num_heads;
  const double epsilon = config_.tower.norm_epsilon;
  const auto split = [&](const at::Tensor& x) {
    return x.view({pictures, tokens, heads, width / heads}).transpose(1, 2);
  };
  const at::Tensor first = at::layer_norm(input, {width}, weights.norm1.weight, weights.norm1.bias, epsilon);
  const at::Tensor mixed = at::scaled_dot_product_attention(
      split(apply(weights.query, first)), split(apply(weights.key, first)), split(apply(weights.value, first)));
  const at::Tensor middle = input + apply(weights.output, mixed.transpose(1, 2).reshape({pictures, tokens, width}));
  const at::Tensor second = at::layer_norm(middle, {width}, weights.norm2.weight, weights.norm2.bias, epsilon);
  return middle + apply(weights.down, activated(config_.tower.activation, apply(weights.up, second)));
}

at::Tensor VisionTower::tower_output(const at::Tensor& pixels) const {
  const TowerConfig& tower = config_.tower;
  if (pixels.dim() != 4 || pixels.size(1) != tower.num_channels || pixels.size(2) != tower.image_height ||
      pixels.size(3) != tower.image_width) {
    throw ShapeError(fmt::format("pictures have shape [{}], expected [pictures, {}, {}, {}] for this model's tower",
                                 fmt::join(pixels.sizes().vec(), ", "), tower.num_channels, tower.image_height,
                                 tower.image_width));
  }
  const std::int64_t pictures = pixels.size(0);
  at::Tensor hidden = at::conv2d(pixels.to(weights_.patch.weight.scalar_type()), weights_.patch.weight,
                                 weights_.patch.bias, {tower.patch_height, tower.patch_width})
                          .flatten(2)
                          .transpose(1, 2);
  if (tower.class_token)
    hidden = at::cat({weights_.class_embedding.expand({pictures, 1, tower.hidden_size}), hidden}, 1);
  hidden = hidden + weights_.positions;
  if (tower.pre_norm)
    hidden = at::layer_norm(hidden, {tower.hidden_size}, weights_.pre_norm.weight, weights_.pre_norm.bias,
                            tower.norm_epsilon);
  std::vector<at::Tensor> states{hidden};
  std::int64_t last = 0;
  for (const std::int64_t wanted : config_.feature_layers) last = std::max(last, wanted);
  for (std::int64_t index = 0; index < last; ++index)
    states.push_back(layer(states.back(), weights_.layers[static_cast<std::size_t>(index)]));
  std::vector<at::Tensor> chosen;
  for (const std::int64_t wanted : config_.feature_layers) {
    const at::Tensor& state = states[static_cast<std::size_t>(wanted)];
    chosen.push_back(config_.drop_class_token ? state.slice(1, 1) : state);
  }
  return chosen.size() == 1 ? chosen.front() : at::cat(chosen, -1);
}

at::Tensor VisionTower::project(const at::Tensor& features) const {
  at::Tensor out = apply(weights_.projector.front(), features);
  for (std::size_t i = 1; i < weights_.projector.size(); ++i)
    out = apply(weights_.projector[i], activated(config_.projector_activation, out));
  return out;
}

at::Tensor VisionTower::image_features(const at::Tensor& pixels) const { return project(tower_output(pixels)); }

at::Tensor place_features(const at::Tensor& embeddings, const at::Tensor& ids, const at::Tensor& features,
                          std::int64_t image_token) {
  const at::Tensor places = ids.eq(image_token);
  const auto wanted = places.sum().item<std::int64_t>();
  const at::Tensor rows = features.reshape({-1, features.size(-1)});
  if (wanted != rows.size(0)) {
    throw ShapeError(
        fmt::format("the prompt has {} image tokens (id {}), but the pictures give {} feature rows; each picture needs "
                    "a run of its "
                    "rows' number of image tokens",
                    wanted, image_token, rows.size(0)));
  }
  return embeddings.masked_scatter(places.unsqueeze(-1), rows.to(embeddings.scalar_type()));
}

}  // namespace cambium::model
