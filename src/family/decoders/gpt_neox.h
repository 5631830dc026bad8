#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kGptNeoxTypes[] = {"gpt_neox"};
inline constexpr std::string_view kGptNeoxArchitectures[] = {"GPTNeoXForCausalLM", "GPTNeoXModel"};
inline constexpr auto kGptNeoxPatterns = std::to_array<TensorPattern>({
    {.stored = "embed_in",
     .canonical = "embed_tokens",
     .role = Role::kEmbedding,
     .shape = {Dim::kEmbeddingRows, Dim::kHidden}},
    {.stored = "layers.{}.input_layernorm", .role = Role::kInputNorm, .shape = {Dim::kHidden}, .bias = Bias::kRequired},
    {.stored = "layers.{}.attention.query_key_value",
     .canonical = "layers.{}.self_attn.qkv_proj",
     .role = Role::kQueryKeyValue,
     .shape = {Dim::kQueriesKeysValues, Dim::kHidden},
     .bias = Bias::kFlag,
     .bias_flag = "attention_bias",
     .bias_fallback = true,
     .fusion = Fusion::kQueryKeyValuePerHead},
    {.stored = "layers.{}.attention.dense",
     .canonical = "layers.{}.self_attn.o_proj",
     .role = Role::kAttentionOutput,
     .shape = {Dim::kHidden, Dim::kQueries},
     .bias = Bias::kFlag,
     .bias_flag = "attention_bias",
     .bias_fallback = true},
    {.stored = "layers.{}.post_attention_layernorm",
     .role = Role::kPostAttentionNorm,
     .shape = {Dim::kHidden},
     .bias = Bias::kRequired},
    {.stored = "layers.{}.mlp.dense_h_to_4h",
     .canonical = "layers.{}.mlp.up_proj",
     .role = Role::kUp,
     .shape = {Dim::kIntermediate, Dim::kHidden},
     .bias = Bias::kRequired},
    {.stored = "layers.{}.mlp.dense_4h_to_h",
     .canonical = "layers.{}.mlp.down_proj",
     .role = Role::kDown,
     .shape = {Dim::kHidden, Dim::kIntermediate},
     .bias = Bias::kRequired},
    {.stored = "final_layer_norm",
     .canonical = "norm",
     .role = Role::kFinalNorm,
     .shape = {Dim::kHidden},
     .bias = Bias::kRequired},
});

/// GPT-NeoX and Pythia: q, k, v in one tensor head by head, layer norms with biases, the head is called embed_out.
inline constexpr DecoderFamily kGptNeox{
    .name = "gpt_neox",
    .model_types = kGptNeoxTypes,
    .architectures = kGptNeoxArchitectures,
    .body = "gpt_neox.",
    .head = "embed_out",
    .patterns = kGptNeoxPatterns,
    .hidden_size = {.key = "hidden_size", .fallback = 6144},
    .intermediate_size = {.key = "intermediate_size", .fallback = 24576},
    .num_layers = {.key = "num_hidden_layers", .fallback = 44},
    .num_heads = {.key = "num_attention_heads", .fallback = 64},
    .num_kv_heads = {.key = "", .fallback = 0},
    .head_dim = {.key = "", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 50432},
};

}  // namespace cambium::family
