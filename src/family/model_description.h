#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"

namespace cambium::family {

/// Which part of a (multimodal) model a tensor belongs to.
enum class Part : std::uint8_t { kLanguage, kVisionTower, kAudioTower, kProjector, kCrossAttention, kOther };

/// What a tensor does. The language roles are the same for every decoder family; tensors of other parts have kTower, kProjector,
/// kCrossAttention or kOther.
enum class Role : std::uint8_t {
  kEmbedding, kPositionEmbedding, kQuery, kKey, kValue, kQueryKeyValue, kAttentionOutput, kQueryNorm, kKeyNorm, kGate, kUp,
  kGateUp, kDown, kInputNorm, kPostAttentionNorm, kPreFeedforwardNorm, kPostFeedforwardNorm, kFinalNorm, kLmHead,
  kTower, kProjector, kCrossAttention, kOther,
};
[[nodiscard]] std::string_view name_of(Part part);
[[nodiscard]] std::string_view name_of(Role role);

/// Where the heads lie in a projection: q/k/v have `count` blocks of `head_dim` rows, o has blocks of columns.
struct HeadGeometry {
  std::int64_t count = 0;
  std::int64_t head_dim = 0;
};

/// One tensor seen through its family.
struct TensorRole {
  std::string name;                ///< as in the file
  Part part = Part::kOther;
  Role role = Role::kOther;
  int layer = -1;                  ///< language layer counted WITHOUT inserted cross-attention layers; tower layer in towers; -1: none
  bool bias = false;
  /// Family- and layout-independent name of a language tensor, e.g. "layers.3.self_attn.q_proj.weight", "embed_tokens.weight",
  /// "norm.weight", "lm_head.weight" (Llama's words); for other parts the name in the layout that transformers saves today.
  std::string canonical;
  bool transposed = false;         ///< stored [in, out] (GPT-2's Conv1D) instead of [out, in]
  std::optional<HeadGeometry> heads;  ///< for q/k/v/o (and fused qkv: of the queries)
};

/// Sizes of the language model, from either spelling of config.json (text_config or top level, 4.x or 5.x).
struct LanguageConfig {
  std::string family;              ///< "llama", "qwen2", ... (model_type of the language part)
  std::int64_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::int64_t vocab_size = 0;
  bool tie_word_embeddings = false;
  checkpoint::Json raw;            ///< the object the sizes were read from
};

/// A model as its family describes it.
struct ModelDescription {
  std::string family;              ///< "llava", "qwen2_vl", "llama", ...; "unknown" when no family file fits (then only suffix + shape help)
  std::string layout;              ///< which of the family's layouts of names ("saved", "pre452", "module", "original")
  LanguageConfig language;
  bool multimodal = false;
  std::vector<TensorRole> tensors; ///< one for each tensor of the source, sorted by name
  std::vector<int> cross_attention_layers;  ///< positions (in the file's numbering) of inserted cross-attention layers (mllama)
  [[nodiscard]] const TensorRole* find(std::string_view name) const;
  [[nodiscard]] const TensorRole* find_canonical(std::string_view canonical) const;
};

/// Describes a checkpoint by its config and the names and shapes of its tensors; touches no weights.
/// @param where  the folder, for messages
/// @throws CheckpointError  config sizes of the wrong type or absurd (negative, > 1e6 layers), language tensors missing (all listed) or of
///         a shape that the config forbids (name, found, expected)
[[nodiscard]] ModelDescription describe(const checkpoint::Json& config, const std::vector<checkpoint::TensorInfo>& tensors,
                                        std::string_view where);

}  // namespace cambium::family
