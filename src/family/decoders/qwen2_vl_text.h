#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kQwen2VlTextTypes[] = {"qwen2_vl_text", "qwen2_5_vl_text", "qwen2_vl", "qwen2_5_vl"};
inline constexpr std::string_view kQwen2VlTextArchitectures[] = {"Qwen2VLTextModel", "Qwen2_5_VLTextModel"};
inline constexpr auto kQwen2VlTextPatterns = llama_patterns({.qkv_bias = Bias::kRequired});

/// The language model of Qwen2-VL and Qwen2.5-VL: Qwen2 with other default sizes.
inline constexpr DecoderFamily kQwen2VlText{
    .name = "qwen2_vl_text",
    .lineage = "qwen2",
    .model_types = kQwen2VlTextTypes,
    .architectures = kQwen2VlTextArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kQwen2VlTextPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 8192},
    .intermediate_size = {.key = "intermediate_size", .fallback = 29568},
    .num_layers = {.key = "num_hidden_layers", .fallback = 80},
    .num_heads = {.key = "num_attention_heads", .fallback = 64},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 8},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 152064},
};

}  // namespace cambium::family
