#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "model/decoder_config.h"
#include "model/decoder_weights.h"

namespace cambium::model {

/// Which token of a batch sees which: a token sees itself and those before it in its own segment (and in the layer's
/// window).
struct AttentionLayout {
  at::Tensor positions;  ///< [batch, seq] int64: place of each token in its sequence (any value on padding)
  at::Tensor segments;   ///< [batch, seq] int64: tokens of one sequence have one number; 0 is padding. Undefined: one
                         ///< sequence a row
  std::int64_t length = 0;  ///< tokens of the longest sequence: what length-dependent rope types go by

  /// From a 0/1 mask as Hugging Face's: positions count the ones (padding in front does not count).
  [[nodiscard]] static AttentionLayout from_mask(const at::Tensor& attention_mask);
};

/// The decoder in plain at:: operations: the form that is differentiated when a model is tuned, that runs on any
/// device, and that the fast kernels are compared with.
class Decoder {
 public:
  Decoder(DecoderConfig config, DecoderWeights weights);

  [[nodiscard]] const DecoderConfig& config() const { return config_; }
  [[nodiscard]] const DecoderWeights& weights() const { return weights_; }

  /// Token embeddings with the family's scale, without positions. ids [...] int64 -> [..., hidden]
  [[nodiscard]] at::Tensor embed(const at::Tensor& ids) const;
  /// @param embeddings     [batch, seq, hidden]: from embed(), rows of it replaced by other modalities where there are
  /// any
  /// @param hidden_states  if not null: receives num_layers + 1 tensors as Hugging Face counts them (input, after each
  /// layer; last normed)
  /// @return               [batch, seq, hidden], behind the final norm
  [[nodiscard]] at::Tensor forward_embeddings(const at::Tensor& embeddings, const AttentionLayout& layout,
                                              std::vector<at::Tensor>* hidden_states = nullptr) const;
  /// hidden [..., hidden] (behind the final norm, only the rows that are needed) -> [..., vocab]
  [[nodiscard]] at::Tensor logits(const at::Tensor& hidden) const;

 private:
  struct Prepared;  // rope tables and masks of one forward pass
  [[nodiscard]] at::Tensor attention(const at::Tensor& input, std::size_t layer, const Prepared& prepared) const;

  DecoderConfig config_;
  DecoderWeights weights_;
};

}  // namespace cambium::model
