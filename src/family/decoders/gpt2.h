#pragma once

#include "family/decoder_family.h"

namespace cambium::family {

inline constexpr std::string_view kGpt2Types[] = {"gpt2"};
inline constexpr std::string_view kGpt2Architectures[] = {"GPT2LMHeadModel", "GPT2Model"};
inline constexpr auto kGpt2Patterns = std::to_array<TensorPattern>({
    {.stored = "wte",
     .canonical = "embed_tokens",
     .role = Role::kEmbedding,
     .shape = {Dim::kEmbeddingRows, Dim::kHidden}},
    {.stored = "wpe",
     .canonical = "embed_positions",
     .role = Role::kPositionEmbedding,
     .shape = {Dim::kAny, Dim::kHidden}},
    {.stored = "h.{}.ln_1",
     .canonical = "layers.{}.input_layernorm",
     .role = Role::kInputNorm,
     .shape = {Dim::kHidden},
     .bias = Bias::kRequired},
    {.stored = "h.{}.attn.c_attn",
     .canonical = "layers.{}.self_attn.qkv_proj",
     .role = Role::kQueryKeyValue,
     .shape = {Dim::kQueriesKeysValues, Dim::kHidden},
     .bias = Bias::kRequired,
     .transposed = true,
     .fusion = Fusion::kQueryKeyValue},
    {.stored = "h.{}.attn.c_proj",
     .canonical = "layers.{}.self_attn.o_proj",
     .role = Role::kAttentionOutput,
     .shape = {Dim::kHidden, Dim::kQueries},
     .bias = Bias::kRequired,
     .transposed = true},
    {.stored = "h.{}.ln_2",
     .canonical = "layers.{}.post_attention_layernorm",
     .role = Role::kPostAttentionNorm,
     .shape = {Dim::kHidden},
     .bias = Bias::kRequired},
    {.stored = "h.{}.mlp.c_fc",
     .canonical = "layers.{}.mlp.up_proj",
     .role = Role::kUp,
     .shape = {Dim::kIntermediate, Dim::kHidden},
     .bias = Bias::kRequired,
     .transposed = true},
    {.stored = "h.{}.mlp.c_proj",
     .canonical = "layers.{}.mlp.down_proj",
     .role = Role::kDown,
     .shape = {Dim::kHidden, Dim::kIntermediate},
     .bias = Bias::kRequired,
     .transposed = true},
    {.stored = "ln_f", .canonical = "norm", .role = Role::kFinalNorm, .shape = {Dim::kHidden}, .bias = Bias::kRequired},
});

/// GPT-2: learned positions, layer norms with biases, matrices stored [in, out] (Conv1D), q, k, v in one. Files made
/// from the bare model lack the `transformer.`
inline constexpr DecoderFamily kGpt2{
    .name = "gpt2",
    .model_types = kGpt2Types,
    .architectures = kGpt2Architectures,
    .body = "transformer.",
    .head = "lm_head",
    .patterns = kGpt2Patterns,
    .hidden_size = {.key = "n_embd", .fallback = 768},
    .intermediate_size = {.key = "n_inner", .fallback = 0},
    .num_layers = {.key = "n_layer", .fallback = 12},
    .num_heads = {.key = "n_head", .fallback = 12},
    .num_kv_heads = {.key = "", .fallback = 0},
    .head_dim = {.key = "", .fallback = 0},
    .vocab_size = {.key = "vocab_size", .fallback = 50257},
    .intermediate_factor = 4,
    .tied_by_default = true,
};

}  // namespace cambium::family
