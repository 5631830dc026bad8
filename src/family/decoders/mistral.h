#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kMistralTypes[] = {"mistral"};
inline constexpr std::string_view kMistralArchitectures[] = {"MistralForCausalLM", "MistralModel"};
inline constexpr auto kMistralPatterns = llama_patterns({});

/// Mistral 7B and its descendants; as Llama, without biases.
inline constexpr DecoderFamily kMistral{
    .name = "mistral",
    .model_types = kMistralTypes,
    .architectures = kMistralArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kMistralPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 4096},
    .intermediate_size = {.key = "intermediate_size", .fallback = 14336},
    .num_layers = {.key = "num_hidden_layers", .fallback = 32},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 8},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 32000},
};

}  // namespace cambium::family
