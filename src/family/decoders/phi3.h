#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kPhi3Types[] = {"phi3"};
inline constexpr std::string_view kPhi3Architectures[] = {"Phi3ForCausalLM", "Phi3Model"};
inline constexpr auto kPhi3Patterns = std::to_array<TensorPattern>({
    {.stored = "embed_tokens", .role = Role::kEmbedding, .shape = {Dim::kEmbeddingRows, Dim::kHidden}},
    {.stored = "layers.{}.input_layernorm", .role = Role::kInputNorm, .shape = {Dim::kHidden}},
    {.stored = "layers.{}.self_attn.qkv_proj",
     .role = Role::kQueryKeyValue,
     .shape = {Dim::kQueriesKeysValues, Dim::kHidden},
     .fusion = Fusion::kQueryKeyValue},
    {.stored = "layers.{}.self_attn.o_proj", .role = Role::kAttentionOutput, .shape = {Dim::kHidden, Dim::kQueries}},
    {.stored = "layers.{}.post_attention_layernorm", .role = Role::kPostAttentionNorm, .shape = {Dim::kHidden}},
    {.stored = "layers.{}.mlp.gate_up_proj",
     .role = Role::kGateUp,
     .shape = {Dim::kTwiceIntermediate, Dim::kHidden},
     .fusion = Fusion::kGateUp},
    {.stored = "layers.{}.mlp.down_proj", .role = Role::kDown, .shape = {Dim::kHidden, Dim::kIntermediate}},
    {.stored = "norm", .role = Role::kFinalNorm, .shape = {Dim::kHidden}},
});

/// Phi-3 and Phi-4: q, k, v in one tensor, and gate and up in one.
inline constexpr DecoderFamily kPhi3{
    .name = "phi3",
    .model_types = kPhi3Types,
    .architectures = kPhi3Architectures,
    .body = "model.",
    .head = "lm_head",
    .patterns = kPhi3Patterns,
    .hidden_size = {.key = "hidden_size", .fallback = 3072},
    .intermediate_size = {.key = "intermediate_size", .fallback = 8192},
    .num_layers = {.key = "num_hidden_layers", .fallback = 32},
    .num_heads = {.key = "num_attention_heads", .fallback = 32},
    .num_kv_heads = {.key = "num_key_value_heads", .fallback = 0},
    .head_dim = {.key = "head_dim", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 32064},
};

}  // namespace cambium::family
