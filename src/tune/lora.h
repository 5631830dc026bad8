#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "family/model_description.h"
#include "tune/parameter_set.h"

namespace cambium::tune {

/// Low-rank adapters (arXiv:2106.09685): which projections get one, and its size.
struct LoraOptions {
  std::int64_t rank = 8;
  double alpha = 16;
  double dropout = 0;
  bool rank_stabilized = false;  ///< scale alpha / sqrt(rank) (arXiv:2312.03732) instead of alpha / rank
  /// As PEFT's target_modules: ends of module names ("q_proj", "multi_modal_projector.linear_1"), regular expressions
  /// that match a whole name, or "all-linear": every projection but the head's. Empty: those of `init`, else all of the
  /// language model's layers.
  std::vector<std::string> targets;
  std::string init;  ///< folder of a PEFT adapter to go on from; empty: a random one
  std::uint64_t seed = 0;
};

/// The adapter of one stored weight.
struct LoraPair {
  const family::TensorRole* target = nullptr;  ///< the weight that it adds to
  std::string module;                          ///< its module's path in transformers: "model.layers.0.self_attn.q_proj"
  Parameter* a = nullptr;                      ///< [rank, in]
  Parameter* b = nullptr;                      ///< [out, rank]
  double scale = 1;
};

/// All adapters of a model in training.
class LoraAdapters {
 public:
  /// @throws UsageError       a target that matches no projection (lists the names there are)
  /// @throws CheckpointError  `init` is no adapter for these targets
  LoraAdapters(const family::ModelDescription& description, const LoraOptions& options, at::ScalarType dtype,
               const ParameterSet::RuleFor& rule);

  [[nodiscard]] ParameterSet& parameters() { return *parameters_; }
  [[nodiscard]] const ParameterSet& parameters() const { return *parameters_; }
  [[nodiscard]] const std::vector<LoraPair>& pairs() const { return pairs_; }
  /// The adapter of a tensor in the file; null if it has none.
  [[nodiscard]] const LoraPair* find(std::string_view tensor) const;

  /// Writes adapter_config.json and adapter_model.safetensors as PEFT does.
  /// @param base_model  what the adapter's config names as its base
  void save(const std::filesystem::path& folder, const std::string& base_model) const;
  /// Whether a tensor of the part has one.
  [[nodiscard]] bool adapts(family::Part part) const;
  /// weight + scale * B A in the weight's type, recorded for gradients of A and B.
  [[nodiscard]] static at::Tensor adapted(const at::Tensor& weight, const LoraPair& pair);
  /// weight + scale * B A, in float32, rounded once; transposed storage is respected.
  [[nodiscard]] static at::Tensor merged(const at::Tensor& weight, const LoraPair& pair);

 private:
  /// Of alpha, in the scale of an adapter.
  [[nodiscard]] double divisor(std::int64_t rank) const;

  LoraOptions options_;
  std::unique_ptr<ParameterSet> parameters_;
  std::vector<LoraPair> pairs_;
  bool fan_in_fan_out_ = false;
  std::vector<std::string> other_modules_;  ///< projections without an adapter
};

}  // namespace cambium::tune
