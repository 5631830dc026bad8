#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/decoder_config.h"
#include "model/decoder_weights.h"
#include "tune/lora.h"
#include "tune/parameter_set.h"
#include "tune/training_ops.h"

namespace cambium::tune {

/// Sequences behind each other, without padding.
struct PackedRows {
  at::Tensor ids;                     ///< [rows] int64
  std::vector<std::int64_t> lengths;  ///< tokens of each sequence; positions restart with each
};

/// The decoder as it is trained: on packed sequences that do not see each other, every step with a backward pass of its
/// own that writes gradients where the optimizer reads them. Families whose stored tensors are not used as they are
/// (GPT-2's transposed ones, GPT-NeoX's fused by head) go through autograd's general path; results are the same.
class TrainingDecoder {
 public:
  struct Options {
    at::ScalarType activations = at::kFloat;
    bool recompute = false;  ///< keep only each layer's input, compute the layer again in the backward pass
    double lora_dropout = 0.0;
  };
  /// @param parameters  must outlive the decoder   @param lora  adapters, or null; must outlive the decoder
  /// @throws CheckpointError  tensors missing or of a shape that does not fit the config
  TrainingDecoder(const model::DecoderConfig& config, const family::ModelDescription& description,
                  ParameterSet& parameters, const LoraAdapters* lora, const std::string& where, const Options& options);
  ~TrainingDecoder();
  TrainingDecoder(TrainingDecoder&&) noexcept;
  TrainingDecoder& operator=(TrainingDecoder&&) noexcept;

  [[nodiscard]] const model::DecoderConfig& config() const;
  /// [rows, hidden], scaled as the family does.
  [[nodiscard]] at::Tensor embed(const at::Tensor& ids) const;
  /// @param embeddings  [rows, hidden]  @return [rows, hidden] behind the final norm
  [[nodiscard]] at::Tensor forward(const at::Tensor& embeddings, const std::vector<std::int64_t>& lengths) const;
  /// Sum over labelled rows of -log p(target) * scale. @see head_loss
  [[nodiscard]] at::Tensor loss(const at::Tensor& hidden, const at::Tensor& targets, double scale,
                                std::vector<double>* losses = nullptr) const;

  /// The most probable next token of each row. hidden: [rows, hidden] -> [rows] int64
  [[nodiscard]] at::Tensor most_probable(const at::Tensor& hidden) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
