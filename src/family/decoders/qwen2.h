#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kQwen2Types[] = {"qwen2"};
inline constexpr std::string_view kQwen2Architectures[] = {"Qwen2ForCausalLM", "Qwen2Model"};
inline constexpr auto kQwen2Patterns = llama_patterns({.qkv_bias = Bias::kRequired});

/// Qwen2, Qwen2.5 and the language models of Qwen2-VL and Qwen2-Audio's first form: biases on q, k and v.
inline constexpr DecoderFamily kQwen2{
    .name = "qwen2",
    .model_types = kQwen2Types,
    .architectures = kQwen2Architectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kQwen2Patterns,
    .hidden_size = {.key = "hidden_size", .fallback = 4096},
    .intermediate_size = {.key = "intermediate_size", .fallback = 22016},
    .num_layers = {.key = "num_hidden_layers", .fallback = 32},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 32},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 151936},
};

}  // namespace cambium::family
