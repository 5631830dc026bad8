#include "checkpoint/gguf_architecture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "checkpoint/foreign_text.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using enum GgufSize;
using enum GgufChange;

constexpr GgufTensorRule kPlainModel[] = {
    {"token_embd.weight", "model.embed_tokens.weight", kVocabulary, kHidden},
    {"output_norm.weight", "model.norm.weight", kHidden},
    {"output.weight", "lm_head.weight", kVocabulary, kHidden, kAsStored, true},
};

constexpr GgufTensorRule kShiftedNormModel[] = {
    {"token_embd.weight", "model.embed_tokens.weight", kVocabulary, kHidden},
    {"output_norm.weight", "model.norm.weight", kHidden, kAbsent, kNormPlusOne},
    {"output.weight", "lm_head.weight", kVocabulary, kHidden, kAsStored, true},
};

constexpr GgufTensorRule kLlamaLayer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden, kQueryRows},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden, kKeyRows},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"attn_q.bias", "self_attn.q_proj.bias", kQuery, kAbsent, kQueryRows, true},
    {"attn_k.bias", "self_attn.k_proj.bias", kKey, kAbsent, kKeyRows, true},
    {"attn_v.bias", "self_attn.v_proj.bias", kKey, kAbsent, kAsStored, true},
    {"attn_output.bias", "self_attn.o_proj.bias", kHidden, kAbsent, kAsStored, true},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
    {"ffn_gate.bias", "mlp.gate_proj.bias", kFeedForward, kAbsent, kAsStored, true},
    {"ffn_up.bias", "mlp.up_proj.bias", kFeedForward, kAbsent, kAsStored, true},
    {"ffn_down.bias", "mlp.down_proj.bias", kHidden, kAbsent, kAsStored, true},
};

constexpr GgufTensorRule kMistralLayer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden, kQueryRows},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden, kKeyRows},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
};

constexpr GgufTensorRule kQwen2Layer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden},
    {"attn_q.bias", "self_attn.q_proj.bias", kQuery},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden},
    {"attn_k.bias", "self_attn.k_proj.bias", kKey},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_v.bias", "self_attn.v_proj.bias", kKey},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
};

constexpr GgufTensorRule kQwen3Layer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", kHead},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", kHead},
    {"attn_q.bias", "self_attn.q_proj.bias", kQuery, kAbsent, kAsStored, true},
    {"attn_k.bias", "self_attn.k_proj.bias", kKey, kAbsent, kAsStored, true},
    {"attn_v.bias", "self_attn.v_proj.bias", kKey, kAbsent, kAsStored, true},
    {"attn_output.bias", "self_attn.o_proj.bias", kHidden, kAbsent, kAsStored, true},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
};

constexpr GgufTensorRule kPhi3Layer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden},
    {"attn_qkv.weight", "self_attn.qkv_proj.weight", kQueryKeyValue, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden},
    {"ffn_up.weight", "mlp.gate_up_proj.weight", kTwoFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
};

constexpr GgufTensorRule kGemmaLayer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"ffn_norm.weight", "post_attention_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
};

constexpr GgufTensorRule kGemma2Layer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"post_attention_norm.weight", "post_attention_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"ffn_norm.weight", "pre_feedforward_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
};

constexpr GgufTensorRule kGemma3Layer[] = {
    {"attn_norm.weight", "input_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"attn_q.weight", "self_attn.q_proj.weight", kQuery, kHidden},
    {"attn_k.weight", "self_attn.k_proj.weight", kKey, kHidden},
    {"attn_v.weight", "self_attn.v_proj.weight", kKey, kHidden},
    {"attn_output.weight", "self_attn.o_proj.weight", kHidden, kQuery},
    {"attn_q_norm.weight", "self_attn.q_norm.weight", kHead, kAbsent, kNormPlusOne},
    {"attn_k_norm.weight", "self_attn.k_norm.weight", kHead, kAbsent, kNormPlusOne},
    {"post_attention_norm.weight", "post_attention_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"ffn_norm.weight", "pre_feedforward_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
    {"ffn_gate.weight", "mlp.gate_proj.weight", kFeedForward, kHidden},
    {"ffn_up.weight", "mlp.up_proj.weight", kFeedForward, kHidden},
    {"ffn_down.weight", "mlp.down_proj.weight", kHidden, kFeedForward},
    {"post_ffw_norm.weight", "post_feedforward_layernorm.weight", kHidden, kAbsent, kNormPlusOne},
};

// A new architecture: its layer above, its row here, its config in gguf_config.cpp.
constexpr GgufArchitecture kArchitectures[] = {
    {"llama", "llama", "LlamaForCausalLM", kPlainModel, kLlamaLayer},
    {"mistral", "mistral", "MistralForCausalLM", kPlainModel, kMistralLayer},
    {"qwen2", "qwen2", "Qwen2ForCausalLM", kPlainModel, kQwen2Layer},
    {"qwen3", "qwen3", "Qwen3ForCausalLM", kPlainModel, kQwen3Layer},
    {"phi3", "phi3", "Phi3ForCausalLM", kPlainModel, kPhi3Layer},
    {"gemma", "gemma", "GemmaForCausalLM", kShiftedNormModel, kGemmaLayer},
    {"gemma2", "gemma2", "Gemma2ForCausalLM", kShiftedNormModel, kGemma2Layer},
    {"gemma3", "gemma3_text", "Gemma3ForCausalLM", kShiftedNormModel, kGemma3Layer},
};

const GgufArchitecture* find_architecture(std::string_view name) {
  const auto* found = std::ranges::find(kArchitectures, name, &GgufArchitecture::gguf);
  return found == std::end(kArchitectures) ? nullptr : found;
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// llama.cpp runs Mistral models as llama; the window or the name is all that tells them apart.
bool is_mistral(const GgufMetadata& metadata) {
  if (metadata.integer("llama.attention.sliding_window").value_or(0) > 0) return true;
  return std::ranges::any_of(std::initializer_list<std::string_view>{"general.name", "general.basename"},
                             [&](std::string_view key) {
                               const std::string name = lower(metadata.text(key).value_or(""));
                               return name.find("mistral") != std::string::npos;
                             });
}

}  // namespace

const GgufArchitecture& gguf_architecture(const GgufMetadata& metadata, std::string_view where) {
  const std::string type = metadata.text("general.type").value_or("model");
  const std::string name = metadata.required_text("general.architecture");
  if (type == "adapter") {
    throw CheckpointError(
        fmt::format("{}: holds a LoRA adapter, not a model; convert the model that it belongs to", where));
  }
  if (type == "mmproj" || name == "clip") {
    throw CheckpointError(fmt::format(
        "{}: holds the vision or audio tower of a multimodal model (mmproj) without its language model", where));
  }
  const GgufArchitecture* found = find_architecture(name);
  if (found == nullptr) {
    std::vector<std::string_view> known;
    for (const GgufArchitecture& architecture : kArchitectures) known.push_back(architecture.gguf);
    throw CheckpointError(fmt::format("{}: key 'general.architecture' is {}, which is not converted; known are {}",
                                      where, quote_foreign(name), fmt::join(known, ", ")));
  }
  if (metadata.integer(name + ".expert_count").value_or(0) > 0) {
    throw CheckpointError(
        fmt::format("{}: is a mixture-of-experts model of architecture {}; only dense models are "
                    "converted",
                    where, name));
  }
  return name == "llama" && is_mistral(metadata) ? *find_architecture("mistral") : *found;
}

bool is_gguf_rotary_constant(std::string_view name) {
  return name == "rope_freqs.weight" || name == "rope_factors_long.weight" || name == "rope_factors_short.weight" ||
         (name.starts_with("blk.") && name.ends_with(".attn_rot_embd.weight"));
}

}  // namespace cambium::checkpoint
