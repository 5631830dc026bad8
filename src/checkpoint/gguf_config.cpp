#include "checkpoint/gguf_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "checkpoint/gguf_rope.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

Json token_id(const GgufModel& model, std::string_view name) {
  const std::string key = fmt::format("tokenizer.ggml.{}_token_id", name);
  const std::optional<std::int64_t> id = model.metadata().integer(key);
  // llama.cpp writes -1 (or its unsigned form) where a model has no such token.
  if (!id || *id == -1 || *id == 0xFFFFFFFF) return nullptr;
  if (*id < 0 || *id >= model.sizes().vocabulary) {
    throw CheckpointError(
        fmt::format("{}: key '{}' is {}, expected an id below {}", model.label(), key, *id, model.sizes().vocabulary));
  }
  return *id;
}

std::optional<double> number(const GgufModel& model, std::string_view name) {
  return model.metadata().number(model.key(name));
}

// Whether every layer has all of these tensors. Hugging Face has one switch for them, so it is all or none.
bool all_layers_have(const GgufModel& model, std::initializer_list<std::string_view> endings) {
  const auto found = std::ranges::count_if(model.tensors(), [&](const auto& tensor) {
    return std::ranges::any_of(endings, [&](std::string_view ending) { return tensor.name.ends_with(ending); });
  });
  const auto all = static_cast<std::int64_t>(endings.size()) * model.sizes().layers;
  if (found != 0 && found != all) {
    throw CheckpointError(fmt::format("{}: has {} of the {} tensors ending in {}; a {} config can only say all or none",
                                      model.label(), found, all, fmt::join(endings, ", "),
                                      model.architecture().model_type));
  }
  return found != 0;
}

bool has_attention_bias(const GgufModel& model) {
  return all_layers_have(model, {"q_proj.bias", "k_proj.bias", "v_proj.bias", "o_proj.bias"});
}

// The file states 1 / sqrt(query_pre_attn_scalar) only if it is unusual. Otherwise llama.cpp takes the head size, but
// hidden_size / num_heads for the 27 B models, which it knows by their number of layers.
Json query_scale(const GgufModel& model, std::int64_t layers_of_27b) {
  const GgufModelSizes& sizes = model.sizes();
  double scalar = static_cast<double>(sizes.layers == layers_of_27b ? sizes.hidden / sizes.heads : sizes.head_dim);
  if (const auto scale = number(model, "attention.scale"); scale && *scale > 0) scalar = 1 / (*scale * *scale);
  const double whole = std::round(scalar);
  if (std::abs(scalar - whole) < 1e-4 * scalar) return static_cast<std::int64_t>(whole);
  return scalar;
}

// @param period  every period-th layer sees everything, unless the file says it layer by layer
Json layer_types(const GgufModel& model, std::int64_t period) {
  const std::string key = model.key("attention.sliding_window_pattern");
  const GgufValue* stated = model.metadata().find(key);
  std::vector<bool> sliding(static_cast<std::size_t>(model.sizes().layers));
  if (stated != nullptr && stated->type == GgufValueType::kArray) {
    const auto layers = model.metadata().booleans(key);
    if (layers.size() != sliding.size()) {
      throw CheckpointError(fmt::format("{}: key '{}' has {} values, expected {}, one a layer", model.label(), key,
                                        layers.size(), sliding.size()));
    }
    sliding = layers;
  } else {
    if (stated != nullptr) period = model.metadata().required_integer(key);
    for (std::size_t i = 0; i < sliding.size(); ++i) {
      sliding[i] = period <= 0 || (static_cast<std::int64_t>(i) + 1) % period != 0;
    }
  }
  Json types = Json::array();
  for (const bool is_sliding : sliding) types.push_back(is_sliding ? "sliding_attention" : "full_attention");
  return types;
}

Json window(const GgufModel& model) {
  const std::int64_t size = model.metadata().integer(model.key("attention.sliding_window")).value_or(0);
  return size > 0 ? Json(size) : Json(nullptr);
}

void add_llama(const GgufModel& model, Json& config) {
  config["attention_bias"] = has_attention_bias(model);
  config["attention_dropout"] = 0.0;
  config["hidden_act"] = "silu";
  config["mlp_bias"] = all_layers_have(model, {"gate_proj.bias", "up_proj.bias", "down_proj.bias"});
  config["pretraining_tp"] = 1;
  config["rope_parameters"] = gguf_rope_parameters(model);
}

void add_mistral(const GgufModel& model, Json& config) {
  config["attention_dropout"] = 0.0;
  config["hidden_act"] = "silu";
  config["rope_parameters"] = gguf_rope_parameters(model);
  config["sliding_window"] = window(model);
}

// Qwen2 and Qwen3. Their published models do not use the window, and llama.cpp does not know one.
void add_qwen(const GgufModel& model, Json& config) {
  if (model.architecture().gguf == "qwen3") {
    config["attention_bias"] = has_attention_bias(model);
  }
  config["attention_dropout"] = 0.0;
  config["hidden_act"] = "silu";
  config["layer_types"] = std::vector<std::string>(static_cast<std::size_t>(model.sizes().layers), "full_attention");
  config["max_window_layers"] = model.sizes().layers;
  config["rope_parameters"] = gguf_rope_parameters(model);
  config["sliding_window"] = nullptr;
  config["use_sliding_window"] = false;
}

void add_phi3(const GgufModel& model, Json& config) {
  const std::int64_t context = model.metadata().required_integer(model.key("context_length"));
  config["attention_dropout"] = 0.0;
  config["embd_pdrop"] = 0.0;
  config["hidden_act"] = "silu";
  config["original_max_position_embeddings"] =
      model.metadata().integer(model.key("rope.scaling.original_context_length")).value_or(context);
  config["resid_pdrop"] = 0.0;
  config["rope_parameters"] = gguf_rope_parameters(model);
  config["sliding_window"] = window(model);
}

void add_gemma(const GgufModel& model, Json& config) {
  config["attention_bias"] = false;
  config["attention_dropout"] = 0.0;
  config["hidden_act"] = "gelu_pytorch_tanh";
  config["rope_parameters"] = gguf_rope_parameters(model);
}

void add_gemma2(const GgufModel& model, Json& config) {
  config["attention_bias"] = false;
  config["attention_dropout"] = 0.0;
  config["attn_logit_softcapping"] = number(model, "attn_logit_softcapping").value_or(50.0);
  config["final_logit_softcapping"] = number(model, "final_logit_softcapping").value_or(30.0);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["layer_types"] = layer_types(model, 2);
  config["query_pre_attn_scalar"] = query_scale(model, 46);
  config["rope_parameters"] = gguf_rope_parameters(model);
  config["sliding_window"] = model.metadata().integer(model.key("attention.sliding_window")).value_or(4096);
}

void add_gemma3(const GgufModel& model, Json& config) {
  const auto cap = number(model, "final_logit_softcapping");
  config["attention_bias"] = false;
  config["attention_dropout"] = 0.0;
  config["attn_logit_softcapping"] = nullptr;
  config["final_logit_softcapping"] = cap ? Json(*cap) : Json(nullptr);
  config["hidden_activation"] = "gelu_pytorch_tanh";
  config["layer_types"] =
      window(model).is_null()
          ? Json(std::vector<std::string>(static_cast<std::size_t>(model.sizes().layers), "full_attention"))
          : layer_types(model, 6);
  config["query_pre_attn_scalar"] = query_scale(model, 62);
  Json local;
  local["rope_type"] = "default";
  local["rope_theta"] = number(model, "rope.freq_base_swa").value_or(10000.0);
  Json rope;
  rope["full_attention"] = gguf_rope_parameters(model);
  rope["sliding_attention"] = std::move(local);
  config["rope_parameters"] = std::move(rope);
  config["sliding_window"] = window(model);
  config["use_bidirectional_attention"] = false;
}

struct FamilyConfig {
  std::string_view model_type;
  void (*add)(const GgufModel& model, Json& config);
};

constexpr FamilyConfig kFamilies[] = {
    {"llama", add_llama}, {"mistral", add_mistral}, {"qwen2", add_qwen},    {"qwen3", add_qwen},
    {"phi3", add_phi3},   {"gemma", add_gemma},     {"gemma2", add_gemma2}, {"gemma3_text", add_gemma3},
};

}  // namespace

Json gguf_config(const GgufModel& model, DType dtype) {
  const GgufModelSizes& sizes = model.sizes();
  const GgufArchitecture& architecture = model.architecture();
  const auto epsilon = number(model, "attention.layer_norm_rms_epsilon");
  if (!epsilon || *epsilon <= 0) {
    throw CheckpointError(fmt::format("{}: key '{}' is missing or not positive", model.label(),
                                      model.key("attention.layer_norm_rms_epsilon")));
  }
  Json config;
  config["architectures"] = {architecture.class_name};
  config["model_type"] = architecture.model_type;
  config["dtype"] = torch_name_of(dtype);
  config["vocab_size"] = sizes.vocabulary;
  config["hidden_size"] = sizes.hidden;
  config["intermediate_size"] = sizes.feed_forward;
  config["num_hidden_layers"] = sizes.layers;
  config["num_attention_heads"] = sizes.heads;
  config["num_key_value_heads"] = sizes.kv_heads;
  config["head_dim"] = sizes.head_dim;
  config["max_position_embeddings"] = model.metadata().required_integer(model.key("context_length"));
  config["rms_norm_eps"] = *epsilon;
  config["initializer_range"] = 0.02;
  config["tie_word_embeddings"] = !model.has("lm_head.weight");
  config["use_cache"] = true;
  config["bos_token_id"] = token_id(model, "bos");
  config["eos_token_id"] = token_id(model, "eos");
  config["pad_token_id"] = token_id(model, "padding");
  std::ranges::find(kFamilies, architecture.model_type, &FamilyConfig::model_type)->add(model, config);
  return config;
}

Json gguf_generation_config(const GgufModel& model) {
  Json config;
  if (const Json bos = token_id(model, "bos"); !bos.is_null()) config["bos_token_id"] = bos;
  Json ends = Json::array();
  for (const std::string_view name : {"eos", "eot", "eom"}) {
    const Json id = token_id(model, name);
    if (!id.is_null() && std::ranges::find(ends, id) == ends.end()) ends.push_back(id);
  }
  if (!ends.empty()) config["eos_token_id"] = ends.size() == 1 ? ends.front() : ends;
  if (const Json pad = token_id(model, "padding"); !pad.is_null()) config["pad_token_id"] = pad;
  return config;
}

}  // namespace cambium::checkpoint
