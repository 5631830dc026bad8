#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kLlamaTypes[] = {"llama"};
inline constexpr std::string_view kLlamaArchitectures[] = {"LlamaForCausalLM", "LlamaModel"};
inline constexpr auto kLlamaPatterns = llama_patterns({.qkv_bias = Bias::kFlag,
                                                       .qkv_bias_flag = "attention_bias",
                                                       .output_bias = Bias::kFlag,
                                                       .output_bias_flag = "attention_bias",
                                                       .mlp_bias = Bias::kFlag,
                                                       .mlp_bias_flag = "mlp_bias"});

/// Llama 1 to 3, Vicuna, and what copies their form. Biases by the config's flags.
inline constexpr DecoderFamily kLlama{
    .name = "llama",
    .model_types = kLlamaTypes,
    .architectures = kLlamaArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kLlamaPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 4096},
    .intermediate_size = {.key = "intermediate_size", .fallback = 11008},
    .num_layers = {.key = "num_hidden_layers", .fallback = 32},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 0},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 32000},
};

}  // namespace cambium::family
