#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kQwen3Types[] = {"qwen3", "qwen3_vl_text"};
inline constexpr std::string_view kQwen3Architectures[] = {"Qwen3ForCausalLM", "Qwen3Model"};
inline constexpr auto kQwen3Patterns = with(llama_patterns({.qkv_bias = Bias::kFlag,
                                                            .qkv_bias_flag = "attention_bias",
                                                            .output_bias = Bias::kFlag,
                                                            .output_bias_flag = "attention_bias"}),
                                            kQueryKeyNorms);

/// Qwen3 and the language model of Qwen3-VL: RMS norms on the heads' queries and keys, explicit head size.
inline constexpr DecoderFamily kQwen3{
    .name = "qwen3",
    .model_types = kQwen3Types,
    .architectures = kQwen3Architectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kQwen3Patterns,
    .hidden_size = {.key = "hidden_size", .fallback = 4096},
    .intermediate_size = {.key = "intermediate_size", .fallback = 22016},
    .num_layers = {.key = "num_hidden_layers", .fallback = 32},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 32},
    .head_dim = {.key = "head_dim", .fallback = 128},
    .vocab_size = {.key = "vocab_size", .fallback = 151936},
};

}  // namespace cambium::family
