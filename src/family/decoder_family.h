#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "family/model_description.h"

namespace cambium::family {

/// A dimension of a weight in terms of the config.
enum class Dim : std::uint8_t {
  kNone,  ///< the tensor has no such dimension
  kAny,   ///< not checked
  kHidden,
  kIntermediate,
  kTwiceIntermediate,
  kQueries,  ///< num_heads * head_dim
  kKeys,     ///< num_kv_heads * head_dim
  kQueriesKeysValues,
  kHeadDim,
  kVocabulary,
  kEmbeddingRows,  ///< vocabulary + DecoderFamily::extra_embedding_rows
};

/// Which tensors of a pattern are there.
enum class Bias : std::uint8_t {
  kNone,      ///< weight alone
  kRequired,  ///< weight and bias
  kFlag,  ///< a bias if the config's flag `bias_flag` (or, when it is absent, its fallback) says so; one that is there
          ///< anyway is taken
};

/// How a fused tensor is put together from its projections' rows.
enum class Fusion : std::uint8_t {
  kNone,
  kQueryKeyValue,         ///< all queries, then all keys, then all values
  kQueryKeyValuePerHead,  ///< for each head its query, key and value
  kGateUp,                ///< gate, then up
};

/// One kind of tensor of a decoder; "{}" stands for the layer's number.
struct TensorPattern {
  std::string_view
      stored{};  ///< module name below the decoder's body, without .weight/.bias ("layers.{}.self_attn.q_proj")
  std::string_view canonical{};  ///< the same in Llama's words; empty: as stored
  Role role = Role::kOther;
  std::array<Dim, 2> shape{};  ///< [out, in] of the weight, or [size] of a norm; the bias has shape[0]
  Bias bias = Bias::kNone;
  std::string_view bias_flag{};
  bool bias_fallback = false;
  bool transposed = false;  ///< stored [in, out]
  Fusion fusion = Fusion::kNone;
};

/// A size in config.json.
struct SizeField {
  std::string_view key{};
  std::int64_t fallback = 0;  ///< used when the key is absent; 0: derived from other sizes (as when it is null)
};

/// A decoder family: everything that depends on it, as data. One small file in decoders/ and one row in
/// family_table.cpp.
struct DecoderFamily {
  std::string_view name{};
  std::string_view lineage{};  ///< the language models' family whose form it has, if that has another name ("qwen2")
  std::span<const std::string_view> model_types{};    ///< of config.json, or of its text_config
  std::span<const std::string_view> architectures{};  ///< for configs without a known model_type
  std::string_view body{};                            ///< in front of the patterns in a checkpoint of its own: "model."
  std::string_view head{};                            ///< "lm_head", "embed_out"
  std::span<const TensorPattern> patterns{};          ///< all but the head; exactly one has Role::kEmbedding

  SizeField hidden_size{}, intermediate_size{}, num_layers{}, num_heads{};
  SizeField num_kv_heads{};  ///< derived: num_heads
  SizeField head_dim{};      ///< derived: hidden_size / num_heads
  SizeField vocab_size{};
  std::int64_t intermediate_factor = 0;  ///< a derived intermediate_size is this times hidden_size
  bool tied_by_default = false;          ///< when the config does not say tie_word_embeddings
  std::int64_t extra_embedding_rows = 0;

  /// Layers inserted between those of the base LLM (cross-attention): the config's list of their numbers, and what it
  /// is when the config has none.
  std::string_view inserted_layers_key{};
  std::span<const int> inserted_layers_fallback{};
};

/// Llama's attention and MLP, shared by the many families that differ only in flags, norms and sizes.
struct LlamaPatterns {
  Bias qkv_bias = Bias::kNone;
  std::string_view qkv_bias_flag{};
  Bias output_bias = Bias::kNone;
  std::string_view output_bias_flag{};
  Bias mlp_bias = Bias::kNone;
  std::string_view mlp_bias_flag{};
};

/// The eleven patterns of a Llama-like decoder, in the order of the computation.
constexpr std::array<TensorPattern, 11> llama_patterns(const LlamaPatterns& flags) {
  using enum Dim;
  return {{
      {.stored = "embed_tokens", .role = Role::kEmbedding, .shape = {kEmbeddingRows, kHidden}},
      {.stored = "layers.{}.input_layernorm", .role = Role::kInputNorm, .shape = {kHidden}},
      {.stored = "layers.{}.self_attn.q_proj",
       .role = Role::kQuery,
       .shape = {kQueries, kHidden},
       .bias = flags.qkv_bias,
       .bias_flag = flags.qkv_bias_flag},
      {.stored = "layers.{}.self_attn.k_proj",
       .role = Role::kKey,
       .shape = {kKeys, kHidden},
       .bias = flags.qkv_bias,
       .bias_flag = flags.qkv_bias_flag},
      {.stored = "layers.{}.self_attn.v_proj",
       .role = Role::kValue,
       .shape = {kKeys, kHidden},
       .bias = flags.qkv_bias,
       .bias_flag = flags.qkv_bias_flag},
      {.stored = "layers.{}.self_attn.o_proj",
       .role = Role::kAttentionOutput,
       .shape = {kHidden, kQueries},
       .bias = flags.output_bias,
       .bias_flag = flags.output_bias_flag},
      {.stored = "layers.{}.post_attention_layernorm", .role = Role::kPostAttentionNorm, .shape = {kHidden}},
      {.stored = "layers.{}.mlp.gate_proj",
       .role = Role::kGate,
       .shape = {kIntermediate, kHidden},
       .bias = flags.mlp_bias,
       .bias_flag = flags.mlp_bias_flag},
      {.stored = "layers.{}.mlp.up_proj",
       .role = Role::kUp,
       .shape = {kIntermediate, kHidden},
       .bias = flags.mlp_bias,
       .bias_flag = flags.mlp_bias_flag},
      {.stored = "layers.{}.mlp.down_proj",
       .role = Role::kDown,
       .shape = {kHidden, kIntermediate},
       .bias = flags.mlp_bias,
       .bias_flag = flags.mlp_bias_flag},
      {.stored = "norm", .role = Role::kFinalNorm, .shape = {kHidden}},
  }};
}

/// `base` followed by `more`.
template <std::size_t N, std::size_t M>
constexpr std::array<TensorPattern, N + M> with(const std::array<TensorPattern, N>& base,
                                                const std::array<TensorPattern, M>& more) {
  std::array<TensorPattern, N + M> all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = base[i];
  for (std::size_t i = 0; i < M; ++i) all[N + i] = more[i];
  return all;
}

/// RMS norms of queries and keys, one vector of head_dim values for all heads (Qwen3, Gemma 3).
inline constexpr std::array<TensorPattern, 2> kQueryKeyNorms{{
    {.stored = "layers.{}.self_attn.q_norm", .role = Role::kQueryNorm, .shape = {Dim::kHeadDim}},
    {.stored = "layers.{}.self_attn.k_norm", .role = Role::kKeyNorm, .shape = {Dim::kHeadDim}},
}};

/// Norms before and after the MLP, besides the two of Llama (Gemma 2 and 3).
inline constexpr std::array<TensorPattern, 2> kFeedforwardNorms{{
    {.stored = "layers.{}.pre_feedforward_layernorm", .role = Role::kPreFeedforwardNorm, .shape = {Dim::kHidden}},
    {.stored = "layers.{}.post_feedforward_layernorm", .role = Role::kPostFeedforwardNorm, .shape = {Dim::kHidden}},
}};

}  // namespace cambium::family
