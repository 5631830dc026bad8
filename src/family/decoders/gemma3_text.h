#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kGemma3TextTypes[] = {"gemma3_text"};
inline constexpr std::string_view kGemma3TextArchitectures[] = {"Gemma3ForCausalLM", "Gemma3TextModel"};
inline constexpr auto kGemma3TextPatterns = with(with(llama_patterns({.qkv_bias = Bias::kFlag,
                                                                      .qkv_bias_flag = "attention_bias",
                                                                      .output_bias = Bias::kFlag,
                                                                      .output_bias_flag = "attention_bias"}),
                                                      kFeedforwardNorms),
                                                 kQueryKeyNorms);

/// Gemma 3's language model: Gemma 2's norms, and RMS norms on the heads' queries and keys.
inline constexpr DecoderFamily kGemma3Text{
    .name = "gemma3_text",
    .model_types = kGemma3TextTypes,
    .architectures = kGemma3TextArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kGemma3TextPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 2304},
    .intermediate_size = {.key = "intermediate_size", .fallback = 9216},
    .num_layers = {.key = "num_hidden_layers", .fallback = 26},
    .num_heads = {.key = "num_attention_heads", .fallback = 8},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 4},
    .head_dim = {.key = "head_dim", .fallback = 256},
    .vocab_size = {.key = "vocab_size", .fallback = 262208},
    .tied_by_default = true,
};

}  // namespace cambium::family
