#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "tensor/convert.h"

namespace cambium::testing_support {

/// A tiny model folder in the making: a llama of `layers` layers (hidden size 8, 2 heads), or a LLaVA grown from one.
struct ModelOnDisk {
  int layers = 2;
  std::int64_t rows = 16;  ///< of the embedding
  bool tied = false;       ///< no head in the file
  bool llava = false;      ///< names as saved before transformers 4.52, with a projector and one tower tensor
  float level = 0.0F;      ///< added to every value: what tells two models apart
  DType dtype = DType::kF32;
  std::vector<std::string> tokens = {};  ///< of tokenizer.json; none: no tokenizer
  std::string poisoned = {};             ///< the last value of this tensor is NaN

  using Tensors = std::vector<std::pair<std::string, Shape>>;

  [[nodiscard]] Tensors tensors() const {
    const std::string head = llava ? "language_model." : "";
    Tensors all{{head + "model.embed_tokens.weight", {rows, 8}}};
    for (int layer = 0; layer < layers; ++layer) {
      const std::string at = head + "model.layers." + std::to_string(layer) + ".";
      for (const auto& [name, shape] : Tensors{{"self_attn.q_proj.weight", {8, 8}},
                                               {"self_attn.k_proj.weight", {4, 8}},
                                               {"self_attn.v_proj.weight", {4, 8}},
                                               {"self_attn.o_proj.weight", {8, 8}},
                                               {"mlp.gate_proj.weight", {16, 8}},
                                               {"mlp.up_proj.weight", {16, 8}},
                                               {"mlp.down_proj.weight", {8, 16}},
                                               {"input_layernorm.weight", {8}},
                                               {"post_attention_layernorm.weight", {8}}}) {
        all.emplace_back(at + name, shape);
      }
    }
    all.emplace_back(head + "model.norm.weight", Shape{8});
    if (!tied) all.emplace_back(head + "lm_head.weight", Shape{rows, 8});
    if (llava) {
      all.emplace_back("multi_modal_projector.linear_1.weight", Shape{8, 4});
      all.emplace_back("vision_tower.vision_model.embeddings.class_embedding", Shape{4});
    }
    return all;
  }

  /// The value of element `index` of tensor number `tensor`: small, different everywhere.
  [[nodiscard]] float value(std::size_t tensor, std::size_t index) const {
    return level + 0.001F * static_cast<float>((tensor * 131 + index * 17) % 251);
  }

  [[nodiscard]] checkpoint::Json config() const {
    checkpoint::Json text{{"architectures", {"LlamaForCausalLM"}},
                          {"model_type", "llama"},
                          {"hidden_size", 8},
                          {"intermediate_size", 16},
                          {"num_hidden_layers", layers},
                          {"num_attention_heads", 2},
                          {"num_key_value_heads", 1},
                          {"vocab_size", rows},
                          {"rms_norm_eps", 1e-5},
                          {"tie_word_embeddings", tied},
                          {"torch_dtype", std::string(torch_name_of(dtype))}};
    if (!llava) return text;
    return {{"architectures", {"LlavaForConditionalGeneration"}},
            {"model_type", "llava"},
            {"torch_dtype", std::string(torch_name_of(dtype))},
            {"tie_word_embeddings", tied},
            {"text_config", text},
            {"vision_config", {{"model_type", "clip_vision_model"}, {"hidden_size", 4}}}};
  }

  void write(const std::filesystem::path& folder) const {
    std::vector<checkpoint::TensorInfo> infos;
    for (const auto& [name, shape] : tensors()) infos.push_back({name, dtype, shape});
    checkpoint::CheckpointWriter writer(folder, checkpoint::plan_output(infos),
                                        checkpoint::CheckpointWriter::Start::kFresh);
    for (std::size_t i = 0; i < infos.size(); ++i) {
      std::vector<float> values(numel(infos[i].shape));
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = value(i, k);
      if (infos[i].name == poisoned) values.back() = std::numeric_limits<float>::quiet_NaN();
      std::vector<std::byte> stored(infos[i].bytes());
      from_float32(dtype, values, stored);
      writer.write(i, 0, stored);
    }
    writer.write_file("config.json", config().dump(2) + "\n");
    if (!tokens.empty()) {
      checkpoint::Json vocabulary = checkpoint::Json::object();
      for (std::size_t i = 0; i < tokens.size(); ++i) vocabulary[tokens[i]] = i;
      const checkpoint::Json tokenizer{
          {"version", "1.0"},
          {"added_tokens", checkpoint::Json::array()},
          {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", checkpoint::Json::array()}}}};
      writer.write_file("tokenizer.json", tokenizer.dump());
      writer.write_file("tokenizer_config.json", R"({"chat_template": "{{ messages }} of )" + tokens.front() + "\"}");
    }
    writer.finish();
  }
};

}  // namespace cambium::testing_support
