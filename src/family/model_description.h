#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "family/row_blocks.h"

namespace cambium::family {

/// Which part of a (multimodal) model a tensor belongs to.
enum class Part : std::uint8_t { kLanguage, kVisionTower, kAudioTower, kProjector, kCrossAttention, kOther };

/// What a tensor does. The language roles are the same for every decoder family; tensors of other parts have kTower,
/// kProjector, kCrossAttention or kOther. kBuffer: a table that is computed, not learned (rotary inv_freq,
/// position_ids), in any part.
enum class Role : std::uint8_t {
  kEmbedding,
  kPositionEmbedding,
  kQuery,
  kKey,
  kValue,
  kQueryKeyValue,
  kAttentionOutput,
  kQueryNorm,
  kKeyNorm,
  kGate,
  kUp,
  kGateUp,
  kDown,
  kInputNorm,
  kPostAttentionNorm,
  kPreFeedforwardNorm,
  kPostFeedforwardNorm,
  kFinalNorm,
  kLmHead,
  kTower,
  kProjector,
  kCrossAttention,
  kBuffer,
  kOther,
};
/// "language", "vision_tower", "audio_tower", "projector", "cross_attention", "other".
[[nodiscard]] std::string_view name_of(Part part);
/// "embedding", "query", "query_key_value", "attention_output", "gate", "input_norm", "lm_head", ... (snake_case of the
/// enumerator).
[[nodiscard]] std::string_view name_of(Role role);
/// The inverse of name_of; nothing if unknown.
[[nodiscard]] std::optional<Role> role_from_name(std::string_view name);

/// Where the heads lie in a projection: q/k/v have `count` blocks of `head_dim` rows, o has blocks of columns.
struct HeadGeometry {
  std::int64_t count = 0;
  std::int64_t head_dim = 0;
};

/// One projection inside a fused tensor (q, k, v of qkv; gate, up of gate_up).
struct FusedPart {
  Role role = Role::kOther;
  std::string canonical;  ///< canonical name of the projection by itself, "layers.3.self_attn.q_proj.weight"
  RowBlocks rows;         ///< its rows in the fused tensor
  std::optional<HeadGeometry> heads;
};

/// One tensor seen through its family.
struct TensorRole {
  std::string name;  ///< as in the file
  Shape shape;       ///< as in the file
  Part part = Part::kOther;
  Role role = Role::kOther;
  int layer = -1;  ///< language layer counted WITHOUT inserted cross-attention layers; tower layer in towers; -1: none
  bool bias = false;
  /// Family- and layout-independent name of a language tensor, e.g. "layers.3.self_attn.q_proj.weight",
  /// "embed_tokens.weight", "norm.weight", "lm_head.weight" (Llama's words; fused: "self_attn.qkv_proj",
  /// "mlp.gate_up_proj"); for other parts the name in the layout that transformers saves today.
  std::string canonical;
  bool transposed = false;            ///< stored [in, out] (GPT-2's Conv1D) instead of [out, in]
  std::optional<HeadGeometry> heads;  ///< for q/k/v/o (and fused qkv: of the queries)
  std::vector<FusedPart> parts;  ///< what a fused tensor consists of, covering all its rows; empty if it is not fused
};

/// Sizes of the language model, from either spelling of config.json (text_config or top level, 4.x or 5.x), with the
/// family's defaults for what the config leaves out.
struct LanguageConfig {
  std::string
      family;  ///< "llama", "qwen2", "gemma3_text", ...: the decoder family; "unknown" when no file describes it
  std::int64_t hidden_size = 0, intermediate_size = 0;
  std::int64_t num_layers = 0;  ///< without inserted cross-attention layers (mllama: 32 of its 40)
  std::int64_t num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::int64_t vocab_size = 0;
  /// No head of its own: lm_head reads the embedding (by config, or because the file has no lm_head and the config
  /// allows it).
  bool tie_word_embeddings = false;
  checkpoint::Json raw;  ///< the object the sizes were read from
};

/// A model as its family describes it.
struct ModelDescription {
  std::string family;  ///< "llava", "qwen2_vl", "llama", ...; "unknown" when no family file fits
  std::string layout;  ///< which of the family's layouts of names ("saved", "pre452", "module", "original"); "unknown"
                       ///< for unknown families
  LanguageConfig language;
  bool multimodal = false;
  std::vector<TensorRole> tensors;  ///< one for each tensor of the source, sorted by name
  std::vector<int>
      cross_attention_layers;      ///< positions (in the file's numbering) of inserted cross-attention layers (mllama)
  std::vector<std::string> notes;  ///< what a user should know: the fallback taken for an unknown family, ...

  /// False when the language tensors are guesses by name (no family file for the decoder): canonical names cannot be
  /// trusted.
  [[nodiscard]] bool language_known() const { return language.family != "unknown"; }
  [[nodiscard]] const TensorRole* find(std::string_view name) const;                 ///< by name in the file; O(log n)
  [[nodiscard]] const TensorRole* find_canonical(std::string_view canonical) const;  ///< O(n)
};

/// Describes a checkpoint by its config and the names and shapes of its tensors; touches no weights.
/// @param where  the folder, for messages
/// @throws CheckpointError  config sizes of the wrong type or absurd (not positive, more layers than tensors), language
/// tensors
///         missing (all listed) or of a shape that the config forbids (name, found, expected)
[[nodiscard]] ModelDescription describe(const checkpoint::Json& config,
                                        const std::vector<checkpoint::TensorInfo>& tensors, std::string_view where);

}  // namespace cambium::family
