#include "model/vision/vision_config.h"

#include <fmt/format.h>

#include <cmath>

#include "checkpoint/model_folder.h"
#include "checkpoint/vocabulary.h"
#include "model/config_reader.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

// transformers' defaults of the two towers.
TowerConfig clip_defaults() {
  return {.hidden_size = 768,
          .intermediate_size = 3072,
          .num_layers = 12,
          .num_heads = 12,
          .image_height = 224,
          .image_width = 224,
          .patch_height = 32,
          .patch_width = 32};
}

TowerConfig siglip_defaults() {
  return {.hidden_size = 768,
          .intermediate_size = 3072,
          .num_layers = 12,
          .num_heads = 12,
          .image_height = 224,
          .image_width = 224,
          .patch_height = 16,
          .patch_width = 16,
          .norm_epsilon = 1e-6,
          .activation = Activation::kGeluTanh,
          .class_token = false,
          .pre_norm = false};
}

// LLaVA's own default tower where a config names none: CLIP ViT-L/14 at 336 pixels.
TowerConfig llava_defaults() {
  return {.hidden_size = 1024,
          .intermediate_size = 4096,
          .num_layers = 24,
          .num_heads = 16,
          .image_height = 336,
          .image_width = 336,
          .patch_height = 14,
          .patch_width = 14};
}

std::int64_t size_field(const ConfigReader& config, const char* field, std::int64_t fallback) {
  constexpr std::int64_t kLargest = 1'000'000;
  const std::int64_t value = config.integer(field).value_or(fallback);
  if (value < 1 || value > kLargest) config.fail(field, fmt::format("a whole number from 1 to {}", kLargest));
  return value;
}

// A number, or [height, width].
void size_pair(const ConfigReader& config, const char* field, std::int64_t& height, std::int64_t& width) {
  const auto value = config.raw().find(field);
  if (value == config.raw().end() || !value->is_array()) {
    height = width = size_field(config, field, height);
    return;
  }
  const bool pair = value->size() == 2 && (*value)[0].is_number_integer() && (*value)[1].is_number_integer() &&
                    (*value)[0] >= 1 && (*value)[1] >= 1 && (*value)[0] <= 65536 && (*value)[1] <= 65536;
  if (!pair) config.fail(field, "a whole number, or [height, width]");
  height = (*value)[0].get<std::int64_t>();
  width = (*value)[1].get<std::int64_t>();
}

TowerConfig tower_config(const Json& object, const std::string& where) {
  const ConfigReader config(object, where);
  const std::string kind = config.text("model_type").value_or("clip_vision_model");
  TowerConfig tower;
  if (kind == "clip_vision_model") {
    tower = object.contains("hidden_size") || object.contains("num_hidden_layers") ? clip_defaults() : llava_defaults();
  } else if (kind == "siglip_vision_model") {
    tower = siglip_defaults();
  } else {
    config.fail("model_type", "clip_vision_model or siglip_vision_model (other towers are not supported)");
  }
  tower.hidden_size = size_field(config, "hidden_size", tower.hidden_size);
  tower.intermediate_size = size_field(config, "intermediate_size", tower.intermediate_size);
  tower.num_layers = size_field(config, "num_hidden_layers", tower.num_layers);
  tower.num_heads = size_field(config, "num_attention_heads", tower.num_heads);
  size_pair(config, "image_size", tower.image_height, tower.image_width);
  size_pair(config, "patch_size", tower.patch_height, tower.patch_width);
  tower.num_channels = size_field(config, "num_channels", tower.num_channels);
  tower.norm_epsilon = config.number("layer_norm_eps").value_or(tower.norm_epsilon);
  if (const auto activation = config.text("hidden_act")) tower.activation = activation_from_name(*activation, where);
  if (tower.hidden_size % tower.num_heads != 0)
    config.fail("num_attention_heads", fmt::format("a divisor of hidden_size {}", tower.hidden_size));
  if (tower.patch_height > tower.image_height || tower.patch_width > tower.image_width)
    config.fail("patch_size", fmt::format("at most image_size {} x {}", tower.image_height, tower.image_width));
  return tower;
}

// The LLaVA repository keeps the tower's config elsewhere: sizes are read off its tensors.
TowerConfig tower_from_shapes(const family::ModelDescription& description, const checkpoint::WeightSource& weights,
                              const Json& config) {
  const std::string& where = weights.label();
  const auto shape = [&](const char* canonical) -> const Shape* {
    const family::TensorRole* role = description.find_canonical(canonical);
    return role == nullptr ? nullptr : &weights.find(role->name)->shape;
  };
  const Shape* patch = shape("vision_tower.embeddings.patch_embedding.weight");
  const Shape* position = shape("vision_tower.embeddings.position_embedding.weight");
  const Shape* feedforward = shape("vision_tower.encoder.layers.0.mlp.fc1.weight");
  const std::string name = config.value("mm_vision_tower", std::string());
  if (patch == nullptr || patch->size() != 4 || position == nullptr || position->size() != 2 ||
      feedforward == nullptr || feedforward->size() != 2) {
    throw CheckpointError(fmt::format(
        "{}: holds no vision tower and config.json has no vision_config; mm_vision_tower names '{}': put the tower's "
        "tensors into the checkpoint (convert it with transformers) to use pictures",
        where, name));
  }
  const bool siglip = shape("vision_tower.embeddings.class_embedding") == nullptr;
  TowerConfig tower = siglip ? siglip_defaults() : clip_defaults();
  tower.hidden_size = (*patch)[0];
  tower.num_channels = (*patch)[1];
  tower.patch_height = (*patch)[2];
  tower.patch_width = (*patch)[3];
  tower.intermediate_size = (*feedforward)[0];
  tower.num_layers = 0;
  while (shape(fmt::format("vision_tower.encoder.layers.{}.layer_norm1.weight", tower.num_layers).c_str()) != nullptr)
    ++tower.num_layers;
  const std::int64_t patches = (*position)[0] - (siglip ? 0 : 1);
  const std::int64_t across = std::lround(std::sqrt(static_cast<double>(patches)));
  tower.image_height = across * tower.patch_height;
  tower.image_width = across * tower.patch_width;
  if (const auto heads = config.find("mm_vision_num_heads"); heads != config.end() && heads->is_number_integer()) {
    tower.num_heads = heads->get<std::int64_t>();
  } else {
    // Heads of the published towers are 64 values wide (SigLIP's large ones 72). Of other widths nothing is known;
    // small models tend to have as many heads in both of their parts.
    const std::int64_t width = siglip && tower.hidden_size % 72 == 0 ? 72 : 64;
    tower.num_heads = tower.hidden_size % width == 0 ? tower.hidden_size / width : description.language.num_heads;
  }
  if (!name.empty()) {
    try {
      const auto folder = checkpoint::resolve_model(name);
      const Json named = checkpoint::read_json(folder / "config.json");
      const Json& inner = named.contains("vision_config") ? named["vision_config"] : named;
      tower = tower_config(inner, (folder / "config.json").string());
    } catch (const Error&) {
      // Not in the cache: the stated defaults hold.
    }
  }
  if (tower.num_heads < 1 || tower.hidden_size % tower.num_heads != 0) {
    throw CheckpointError(fmt::format(
        "{}: a vision tower of width {} does not divide into {} heads; state mm_vision_num_heads in config.json", where,
        tower.hidden_size, tower.num_heads));
  }
  return tower;
}

std::vector<std::int64_t> feature_layers(const ConfigReader& config, const char* field, std::int64_t num_layers) {
  std::vector<std::int64_t> layers;
  const auto value = config.raw().find(field);
  if (value == config.raw().end() || value->is_null()) {
    layers.push_back(-2);
  } else {
    const Json list = value->is_array() ? *value : Json::array({*value});
    for (const Json& layer : list) {
      if (!layer.is_number_integer()) config.fail(field, "a layer number or a list of them");
      layers.push_back(layer.get<std::int64_t>());
    }
  }
  for (std::int64_t& layer : layers) {
    const std::int64_t counted = layer < 0 ? layer + num_layers + 1 : layer;
    if (counted < 0 || counted > num_layers)
      config.fail(field, fmt::format("layers from {} to {}", -num_layers - 1, num_layers));
    layer = counted;
  }
  return layers;
}

// What LLaVA's config says beside the language model's.
VisionConfig hugging_face_config(const ConfigReader& reader) {
  VisionConfig vision;
  vision.tower = tower_config(reader.object("vision_config"), reader.where() + ": vision_config");
  vision.feature_layers = feature_layers(reader, "vision_feature_layer", vision.tower.num_layers);
  const std::string strategy = reader.text("vision_feature_select_strategy").value_or("default");
  if (strategy != "default" && strategy != "full") reader.fail("vision_feature_select_strategy", "default or full");
  vision.drop_class_token = strategy == "default";
  if (const auto activation = reader.text("projector_hidden_act"))
    vision.projector_activation = activation_from_name(*activation, reader.where());
  for (const char* field : {"image_token_index", "image_token_id"}) {
    if (const auto id = reader.integer(field)) vision.image_token = *id;
  }
  return vision;
}

}  // namespace

VisionConfig grafted_vision_config(const Json& object, const std::string& where) {
  const ConfigReader reader(object, where);
  if (!reader.has("image_token_index")) reader.fail("image_token_index", "the id of the token of one feature row");
  return hugging_face_config(reader);
}

VisionConfig vision_config(const checkpoint::Json& config, const family::ModelDescription& description,
                           const checkpoint::WeightSource& weights, const std::filesystem::path& folder) {
  const std::string& where = weights.label();
  const ConfigReader reader(config, where);
  VisionConfig vision;
  const bool repository = !reader.has("vision_config") && reader.has("mm_vision_tower");
  if (repository) {
    vision.tower = tower_from_shapes(description, weights, config);
    vision.feature_layers = feature_layers(reader, "mm_vision_select_layer", vision.tower.num_layers);
    // That code drops nothing from towers without a class token.
    vision.drop_class_token =
        vision.tower.class_token && reader.text("mm_vision_select_feature").value_or("patch") == "patch";
  } else {
    vision = hugging_face_config(reader);
  }
  for (const char* field : {"image_token_index", "image_token_id"}) {
    if (const auto id = reader.integer(field)) vision.image_token = *id;
  }
  if (!reader.has("image_token_index") && !reader.has("image_token_id")) {
    const auto vocabulary = checkpoint::Vocabulary::read(folder);
    if (vocabulary && vocabulary->id("<image>")) {
      vision.image_token = *vocabulary->id("<image>");
    } else if (!repository) {
      vision.image_token = 32000;  // transformers' default for llava
    }
  }
  return vision;
}

}  // namespace cambium::model
