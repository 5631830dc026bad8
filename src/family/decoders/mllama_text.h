#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr int kMllamaTextCrossLayers[] = {3, 8, 13, 18, 23, 28, 33, 38};
inline constexpr std::string_view kMllamaTextTypes[] = {"mllama_text_model"};
inline constexpr std::string_view kMllamaTextArchitectures[] = {"MllamaForCausalLM", "MllamaTextModel"};
inline constexpr auto kMllamaTextPatterns = llama_patterns({});

/// The language model of Llama 3.2 Vision: Llama 3 with cross-attention layers between its own, so that layer numbers
/// shift, and eight embedding rows more than the vocabulary has (for the image token).
inline constexpr DecoderFamily kMllamaText{
    .name = "mllama_text",
    .lineage = "llama",
    .model_types = kMllamaTextTypes,
    .architectures = kMllamaTextArchitectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kMllamaTextPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 4096},
    .intermediate_size = {.key = "intermediate_size", .fallback = 14336},
    .num_layers = {.key = "num_hidden_layers", .fallback = 40},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 8},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 128256},
    .extra_embedding_rows = 8,
    .inserted_layers_key = "cross_attention_layers",
    .inserted_layers_fallback = kMllamaTextCrossLayers,
};

}  // namespace cambium::family
