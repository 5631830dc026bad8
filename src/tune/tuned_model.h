#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/loaded_model.h"
#include "model/media/media_towers.h"
#include "tune/lora.h"
#include "tune/optimizer.h"
#include "tune/parameter_set.h"
#include "tune/training_decoder.h"

namespace cambium::tune {

/// Pictures, clips or sounds of a micro-batch, and the rows that they become.
struct MicroBatchMedia {
  model::Modality modality = model::Modality::kImage;
  at::Tensor input;   ///< as MediaTower::features takes it
  at::Tensor places;  ///< [items * tokens] int64: the rows whose embeddings the features replace, in order
};

/// One backward pass's worth of sequences.
struct MicroBatch {
  PackedRows rows;
  at::Tensor labelled;  ///< [labels] int64: rows whose next token is learned, rising
  at::Tensor targets;   ///< [labels] int64: those next tokens
  std::vector<MicroBatchMedia> media;
};

struct TunedModelOptions {
  std::optional<at::ScalarType> dtype;        ///< of weights: float32 or bfloat16; nothing: as stored
  std::optional<at::ScalarType> activations;  ///< nothing: bfloat16 where the weights and the CPU's matrix products are
  bool recompute = false;
  std::optional<LoraOptions> lora;  ///< adapters: everything else that belongs to the language model is frozen
  OptimizerOptions optimizer;
  ParameterSet::RuleFor rule;  ///< which tensors are trained, and how
};

/// A model in training: its parameters, decoder, tower, adapters and optimizers. One step is
/// begin_step, accumulate for each micro-batch, finish_step.
class TunedModel {
 public:
  /// @throws what opening and describing the model throw; UsageError if nothing is left to train
  TunedModel(model::ModelSource source, const TunedModelOptions& options);
  ~TunedModel();
  TunedModel(const TunedModel&) = delete;
  TunedModel& operator=(const TunedModel&) = delete;

  [[nodiscard]] const model::ModelSource& source() const;
  [[nodiscard]] const family::ModelDescription& description() const;
  [[nodiscard]] const model::DecoderConfig& config() const;
  [[nodiscard]] ParameterSet& parameters();
  [[nodiscard]] const ParameterSet& parameters() const;
  [[nodiscard]] const LoraAdapters* lora() const;
  [[nodiscard]] std::vector<Optimizer*> optimizers();
  [[nodiscard]] std::vector<const Optimizer*> optimizers() const;
  [[nodiscard]] at::ScalarType activations() const;
  /// The model's parameters, then the adapters'.
  [[nodiscard]] std::vector<ParameterSet*> sets();
  [[nodiscard]] at::ScalarType dtype() const;
  /// The modalities that the model takes besides text.
  [[nodiscard]] const std::vector<model::MediaTowerConfig>& media() const;
  /// Towers and projectors as they are now, outside of autograd.
  [[nodiscard]] model::MediaTowers towers() const;

  /// @param labels  targets of all micro-batches of the step: the loss is their mean
  void begin_step(std::int64_t labels);
  /// Forward and backward pass. @return the micro-batch's share of the step's loss
  double accumulate(const MicroBatch& batch);
  struct StepResult {
    double gradient_norm = 0;  ///< before clipping
  };
  /// Clips and updates. With a norm that is not finite nothing is changed.
  StepResult finish_step(double rate);
  /// Mean of -log p(target), without gradients; `losses` receives each label's.
  [[nodiscard]] double evaluate(const MicroBatch& batch, std::vector<double>* losses = nullptr) const;

  /// For each learned token, whether it is the most probable one there.
  [[nodiscard]] std::vector<bool> predicted(const MicroBatch& batch) const;

  /// Values of a tensor as they would be saved: with adapters merged in.
  [[nodiscard]] at::Tensor value(const family::TensorRole& role) const;
  /// Writes a Hugging Face folder: weights in the training type (buffers as stored), config, tokenizer, processor
  /// files.
  /// @param more  writes further files into the folder before it gets its name; may be empty
  void save(const std::filesystem::path& folder, const std::function<void(const std::filesystem::path&)>& more) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
