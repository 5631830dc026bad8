#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kGemmaTypes[] = {"gemma"};
inline constexpr std::string_view kGemmaArchitectures[] = {"GemmaForCausalLM", "GemmaModel"};
inline constexpr auto kGemmaPatterns = llama_patterns({.qkv_bias = Bias::kFlag,
                                                       .qkv_bias_flag = "attention_bias",
                                                       .output_bias = Bias::kFlag,
                                                       .output_bias_flag = "attention_bias"});

/// Gemma 1: as Llama, with an explicit head size and a tied head.
inline constexpr DecoderFamily kGemma{
    .name = "gemma",
    .model_types = kGemmaTypes,
    .architectures = kGemmaArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kGemmaPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 3072},
    .intermediate_size = {.key = "intermediate_size", .fallback = 24576},
    .num_layers = {.key = "num_hidden_layers", .fallback = 28},
    .num_heads = {.key = "num_attention_heads", .fallback = 16},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 16},
    .head_dim = {.key = "head_dim", .fallback = 256},
    .vocab_size = {.key = "vocab_size", .fallback = 256000},
    .tied_by_default = true,
};

}  // namespace cambium::family
