#include "lab/base_model.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "lab/random.h"
#include "lab/world_tokens.h"
#include "tensor/error.h"

namespace cambium::lab {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr double kInitialDeviation = 0.02;

// A tensor to be written with its initial values: normal around 0, or all one number.
struct InitialTensor {
  std::string name;
  Shape shape;
  double deviation = 0;
  float constant = 0;
};

class TensorList {
 public:
  void weight(std::string name, Shape shape, double deviation = kInitialDeviation) {
    list_.push_back({std::move(name), std::move(shape), deviation, 0});
  }
  void constant(std::string name, Shape shape, float value) {
    list_.push_back({std::move(name), std::move(shape), 0, value});
  }
  [[nodiscard]] const std::vector<InitialTensor>& list() const { return list_; }

 private:
  std::vector<InitialTensor> list_;
};

void write_model(const TensorList& tensors, const std::vector<std::pair<std::string, std::string>>& files,
                 const fs::path& companions, std::uint64_t seed, const fs::path& folder) {
  std::vector<checkpoint::TensorInfo> infos;
  for (const InitialTensor& tensor : tensors.list())
    infos.push_back({.name = tensor.name, .dtype = DType::kF32, .shape = tensor.shape});
  checkpoint::CheckpointWriter writer(folder, checkpoint::plan_output(std::move(infos)),
                                      checkpoint::CheckpointWriter::Start::kFresh);
  try {
    for (std::size_t i = 0; i < tensors.list().size(); ++i) {
      const InitialTensor& tensor = tensors.list()[i];
      std::vector<float> values(numel(tensor.shape), tensor.constant);
      if (tensor.deviation > 0) {
        Random draw(seed, tensor.name);
        for (float& value : values) value = static_cast<float>(tensor.deviation * draw.normal());
      }
      writer.write(i, 0, std::as_bytes(std::span(values)));
    }
    for (const auto& [name, text] : files) writer.write_file(name, text);
    if (!companions.empty()) {
      for (const char* name :
           {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"}) {
        writer.copy_file(companions / name, name);
      }
    }
    writer.finish();
  } catch (...) {
    writer.discard();
    throw;
  }
}

Json language_config(const BaseModel& model, std::size_t vocabulary) {
  const std::string architecture = model.family == "llama"     ? "LlamaForCausalLM"
                                   : model.family == "mistral" ? "MistralForCausalLM"
                                                               : "Qwen2ForCausalLM";
  Json config{{"architectures", {architecture}},
              {"model_type", model.family},
              {"vocab_size", vocabulary},
              {"hidden_size", model.hidden_size},
              {"intermediate_size", model.intermediate_size},
              {"num_hidden_layers", model.num_layers},
              {"num_attention_heads", model.num_heads},
              {"num_key_value_heads", model.num_kv_heads},
              {"head_dim", model.hidden_size / model.num_heads},
              {"hidden_act", "silu"},
              {"max_position_embeddings", 1024},
              {"rms_norm_eps", 1e-5},
              {"rope_theta", 10000.0},
              {"initializer_range", kInitialDeviation},
              {"tie_word_embeddings", true},
              {"attention_dropout", 0.0},
              {"use_cache", true},
              {"bos_token_id", nullptr},
              {"eos_token_id", kEndToken},
              {"pad_token_id", kPadToken},
              {"torch_dtype", "float32"}};
  if (model.family == "llama") {
    config["attention_bias"] = false;
    config["mlp_bias"] = false;
  }
  if (model.family == "mistral") config["sliding_window"] = nullptr;
  if (model.family == "qwen2") config["use_sliding_window"] = false;
  return config;
}

}  // namespace

std::span<const BaseModel> base_models() {
  static constexpr std::array<BaseModel, 6> kModels{{
      {"llama-1m", "llama", 128, 352, 4, 4, 4},
      {"mistral-1m", "mistral", 128, 384, 4, 4, 2},
      {"qwen2-1m", "qwen2", 128, 384, 4, 4, 2},
      {"llama-0.3m", "llama", 64, 192, 3, 4, 4},
      {"llama-3m", "llama", 192, 512, 6, 6, 6},
      {"llama-10m", "llama", 320, 864, 8, 8, 8},
  }};
  return kModels;
}

const BaseModel& find_base_model(std::string_view name) {
  std::vector<std::string> known;
  for (const BaseModel& model : base_models()) {
    if (model.name == name) return model;
    known.emplace_back(model.name);
  }
  throw UsageError(fmt::format("the world has no base model '{}'; it has {}", name, fmt::join(known, ", ")));
}

void write_initial_model(const BaseModel& model, const fs::path& tokenizer, std::size_t vocabulary, std::uint64_t seed,
                         const fs::path& folder) {
  const std::int64_t hidden = model.hidden_size;
  const std::int64_t inner = model.intermediate_size;
  const std::int64_t keys = hidden / model.num_heads * model.num_kv_heads;
  const double residual = kInitialDeviation / std::sqrt(2.0 * static_cast<double>(model.num_layers));
  TensorList tensors;
  tensors.weight("model.embed_tokens.weight", {static_cast<std::int64_t>(vocabulary), hidden});
  for (std::int64_t i = 0; i < model.num_layers; ++i) {
    const std::string layer = fmt::format("model.layers.{}.", i);
    tensors.constant(layer + "input_layernorm.weight", {hidden}, 1);
    tensors.weight(layer + "self_attn.q_proj.weight", {hidden, hidden});
    tensors.weight(layer + "self_attn.k_proj.weight", {keys, hidden});
    tensors.weight(layer + "self_attn.v_proj.weight", {keys, hidden});
    if (model.family == "qwen2") {
      tensors.constant(layer + "self_attn.q_proj.bias", {hidden}, 0);
      tensors.constant(layer + "self_attn.k_proj.bias", {keys}, 0);
      tensors.constant(layer + "self_attn.v_proj.bias", {keys}, 0);
    }
    tensors.weight(layer + "self_attn.o_proj.weight", {hidden, hidden}, residual);
    tensors.constant(layer + "post_attention_layernorm.weight", {hidden}, 1);
    tensors.weight(layer + "mlp.gate_proj.weight", {inner, hidden});
    tensors.weight(layer + "mlp.up_proj.weight", {inner, hidden});
    tensors.weight(layer + "mlp.down_proj.weight", {hidden, inner}, residual);
  }
  tensors.constant("model.norm.weight", {hidden}, 1);
  const Json generation{{"eos_token_id", kEndToken}, {"pad_token_id", kPadToken}};
  write_model(
      tensors,
      {{"config.json", language_config(model, vocabulary).dump(2)}, {"generation_config.json", generation.dump(2)}},
      tokenizer, seed, folder);
}

void write_initial_tower(std::int64_t hidden, std::int64_t num_layers, std::int64_t image_size, std::int64_t patch_size,
                         std::uint64_t seed, const fs::path& folder) {
  const std::int64_t inner = 2 * hidden;
  const std::int64_t patches = (image_size / patch_size) * (image_size / patch_size);
  const double residual = kInitialDeviation / std::sqrt(2.0 * static_cast<double>(num_layers));
  // A tower that learns from nothing needs patches that differ: their weights have the scale of 1 / sqrt(inputs).
  const double patch = 1.0 / std::sqrt(3.0 * static_cast<double>(patch_size * patch_size));
  TensorList tensors;
  const std::string root = "vision_model.";
  tensors.weight(root + "embeddings.class_embedding", {hidden});
  tensors.weight(root + "embeddings.patch_embedding.weight", {hidden, 3, patch_size, patch_size}, patch);
  tensors.weight(root + "embeddings.position_embedding.weight", {patches + 1, hidden}, 0.2);
  const auto norm = [&](const std::string& name) {
    tensors.constant(name + ".weight", {hidden}, 1);
    tensors.constant(name + ".bias", {hidden}, 0);
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, double deviation) {
    tensors.weight(name + ".weight", {out, in}, deviation);
    tensors.constant(name + ".bias", {out}, 0);
  };
  norm(root + "pre_layrnorm");
  const double even = 1.0 / std::sqrt(static_cast<double>(hidden));
  for (std::int64_t i = 0; i < num_layers; ++i) {
    const std::string layer = fmt::format("{}encoder.layers.{}.", root, i);
    norm(layer + "layer_norm1");
    for (const char* part : {"q_proj", "k_proj", "v_proj"}) linear(layer + "self_attn." + part, hidden, hidden, even);
    linear(layer + "self_attn.out_proj", hidden, hidden, residual);
    norm(layer + "layer_norm2");
    linear(layer + "mlp.fc1", inner, hidden, even);
    linear(layer + "mlp.fc2", hidden, inner, residual);
  }
  norm(root + "post_layernorm");
  const Json config{{"architectures", {"CLIPVisionModel"}},
                    {"model_type", "clip_vision_model"},
                    {"hidden_size", hidden},
                    {"intermediate_size", inner},
                    {"projection_dim", hidden},
                    {"num_hidden_layers", num_layers},
                    {"num_attention_heads", hidden / 32},
                    {"num_channels", 3},
                    {"image_size", image_size},
                    {"patch_size", patch_size},
                    {"hidden_act", "quick_gelu"},
                    {"layer_norm_eps", 1e-5},
                    {"attention_dropout", 0.0},
                    {"initializer_range", kInitialDeviation},
                    {"torch_dtype", "float32"}};
  const Json processor{{"image_processor_type", "CLIPImageProcessor"},
                       {"do_resize", true},
                       {"size", {{"shortest_edge", image_size}}},
                       {"resample", 3},
                       {"do_center_crop", true},
                       {"crop_size", {{"height", image_size}, {"width", image_size}}},
                       {"do_rescale", true},
                       {"rescale_factor", 1.0 / 255},
                       {"do_normalize", true},
                       {"image_mean", {0.5, 0.5, 0.5}},
                       {"image_std", {0.5, 0.5, 0.5}},
                       {"do_convert_rgb", true}};
  write_model(tensors, {{"config.json", config.dump(2)}, {"preprocessor_config.json", processor.dump(2)}}, {}, seed,
              folder);
}

}  // namespace cambium::lab
