#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kGemma2Types[] = {"gemma2"};
inline constexpr std::string_view kGemma2Architectures[] = {"Gemma2ForCausalLM", "Gemma2Model"};
inline constexpr auto kGemma2Patterns = with(llama_patterns({.qkv_bias = Bias::kFlag,
                                                             .qkv_bias_flag = "attention_bias",
                                                             .output_bias = Bias::kFlag,
                                                             .output_bias_flag = "attention_bias"}),
                                             kFeedforwardNorms);

/// Gemma 2: norms before and after both attention and MLP.
inline constexpr DecoderFamily kGemma2{
    .name = "gemma2",
    .model_types = kGemma2Types,
    .architectures = kGemma2Architectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kGemma2Patterns,
    .hidden_size = {.key = "hidden_size", .fallback = 2304},
    .intermediate_size = {.key = "intermediate_size", .fallback = 9216},
    .num_layers = {.key = "num_hidden_layers", .fallback = 26},
    .num_heads = {.key = "num_attention_heads", .fallback = 8},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 4},
    .head_dim = {.key = "head_dim", .fallback = 256},
    .vocab_size = {.key = "vocab_size", .fallback = 256000},
    .tied_by_default = true,
};

}  // namespace cambium::family
