#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::family {
struct LanguageConfig;
}

namespace cambium::model {

/// What a normalisation layer computes before its weight (and bias) is applied.
enum class NormKind : std::uint8_t {
  kRms,         ///< x / rms(x) * w (Llama)
  kRmsPlusOne,  ///< x / rms(x) * (1 + w) (Gemma)
  kLayer,       ///< (x - mean(x)) / std(x) * w + b (GPT-2, GPT-NeoX)
};

/// The nonlinearity between the two halves of the feed-forward part.
enum class Activation : std::uint8_t { kSilu, kGelu, kGeluTanh, kQuickGelu, kRelu };

/// From a config's word ("silu", "gelu_pytorch_tanh", ...). @throws CheckpointError  unknown; lists the known ones
[[nodiscard]] Activation activation_from_name(std::string_view name, std::string_view where);

/// How the query, key and value projections are stored.
enum class QkvStorage : std::uint8_t {
  kSeparate,     ///< q_proj, k_proj, v_proj
  kFused,        ///< one tensor: all query rows, then all key rows, then all value rows (Phi-3, GPT-2)
  kFusedByHead,  ///< one tensor: for each head its query, key and value rows (GPT-NeoX)
};

/// Rotary position embedding of a group of layers.
struct RopeConfig {
  enum class Type : std::uint8_t { kDefault, kLinear, kDynamic, kYarn, kLongRope, kLlama3 };
  Type type = Type::kDefault;
  std::int64_t rotary_dim = 0;  ///< leading values of each head that are rotated (even); 0: none (learned positions)
  double theta = 10000.0;
  double factor = 1.0;
  std::int64_t max_positions = 0;                        ///< max_position_embeddings
  std::int64_t original_max_positions = 0;               ///< llama3, yarn, longrope
  double low_freq_factor = 1.0, high_freq_factor = 4.0;  ///< llama3
  double attention_factor = 1.0;                         ///< scale of cos and sin (yarn, longrope)
  double beta_fast = 32.0, beta_slow = 1.0;              ///< yarn
  bool truncate = true;                                  ///< yarn
  std::vector<double> short_factor, long_factor;         ///< longrope, rotary_dim / 2 each

  /// Inverse frequencies, rotary_dim / 2 values, for a sequence of `length` tokens (the length matters to kDynamic and
  /// kLongRope only). Source: arXiv:2104.09864 (rotation), arXiv:2309.00071 (yarn, dynamic), arXiv:2402.13753
  /// (longrope); Llama 3.1's config (llama3).
  [[nodiscard]] std::vector<float> inverse_frequencies(std::int64_t length) const;
  /// The longest sequence whose frequencies are those of a short one; longer ones depend on their length. INT64_MAX if
  /// none does.
  [[nodiscard]] std::int64_t fixed_up_to() const;
};

/// What differs from layer to layer.
struct LayerConfig {
  std::int64_t window = 0;  ///< a token sees itself and the window - 1 tokens before it; 0: all before it
  std::size_t rope = 0;     ///< index into DecoderConfig::ropes
  double attention_scale = 1.0;
};

/// Everything that the decoder needs to know of a model: sizes and switches, nothing named after a family.
struct DecoderConfig {
  std::string family;
  std::int64_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0, num_kv_heads = 0, head_dim = 0;
  std::int64_t vocab_size = 0;     ///< rows of the embedding
  std::int64_t max_positions = 0;  ///< the context length the model was made for
  NormKind norm = NormKind::kRms;
  double norm_epsilon = 1e-6;
  Activation activation = Activation::kSilu;
  bool gated = true;               ///< down(act(gate(x)) * up(x)) instead of down(act(up(x)))
  bool parallel_residual = false;  ///< attention and feed-forward both read the layer's input
  bool sandwich_norms = false;     ///< norms also behind attention and feed-forward (Gemma 2 and 3)
  bool query_key_norm = false;     ///< RMS norm of each query and key head before the rotation
  bool learned_positions = false;
  bool hard_context_limit = false;  ///< positions beyond max_positions do not exist (learned positions)
  bool tied_head = false;
  double attention_softcap = 0.0;  ///< c * tanh(score / c); 0: none
  double logit_softcap = 0.0;
  double embedding_scale = 1.0;
  QkvStorage qkv = QkvStorage::kSeparate;
  std::vector<RopeConfig> ropes;    ///< at least one unless learned_positions
  std::vector<LayerConfig> layers;  ///< num_layers
};

/// Reads the decoder's form out of a described model.
/// @param where  the model, for messages
/// @throws CheckpointError  a family without decoder (lists the known ones), unknown rope type or activation, a config
/// field of the
///         wrong type or out of range
[[nodiscard]] DecoderConfig decoder_config(const family::LanguageConfig& language, std::string_view where);

}  // namespace cambium::model
