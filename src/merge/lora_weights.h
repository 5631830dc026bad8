#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "family/model_description.h"
#include "merge/lora_adapter.h"

namespace cambium::merge {

/// A model with a LoRA adapter added to its weights, computed as it is read: PEFT's merge_and_unload without the merged
/// checkpoint.
///
/// Values are weight + scale * (B A) in float32, rounded once to the type of the model's own tensor. Tensors that the
/// adapter holds as a whole stand in place of the model's, in the model's type. The adapter may come from another
/// member of the family than the model: a text adapter fits a multimodal model grown from its language model
/// (merge/adapter_target.h). Memory: a few MiB for each thread that reads; the rest is mapped.
class LoraWeights final : public checkpoint::WeightSource {
 public:
  /// @param model  what `base` is
  /// @throws CheckpointError  the adapter changes layers that the model lacks (all listed), or one that is not of a
  /// mergeable type
  /// @throws ShapeError       a layer of other sizes
  LoraWeights(std::shared_ptr<const checkpoint::WeightSource> base, const family::ModelDescription& model,
              std::shared_ptr<const LoraAdapter> adapter);
  ~LoraWeights() override;

  /// The model's config, with the vocabulary's size if the adapter brings an embedding of other length.
  [[nodiscard]] checkpoint::Json config(checkpoint::Json base) const;
  /// Rows of the adapter's embedding if they are not as many as the model's.
  [[nodiscard]] bool changes_vocabulary() const { return vocabulary_rows_ > 0; }
  /// Names of the tensors that the adapter changes, sorted.
  [[nodiscard]] std::vector<std::string> changed() const;

  [[nodiscard]] const std::string& label() const override { return label_; }
  [[nodiscard]] const std::vector<checkpoint::TensorInfo>& tensors() const override { return tensors_; }
  [[nodiscard]] std::span<const std::byte> mapped(std::string_view name) const override;
  void read(std::string_view name, std::span<std::byte> out) const override;
  [[nodiscard]] bool reads_ranges(std::string_view name) const override;
  void read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const override;
  void release(std::span<const std::byte> range) const override { base_->release(range); }

 private:
  struct Change;
  void add_module(const LoraModule& module, const family::ModelDescription& model, std::vector<std::string>& missing);
  void add_saved(const SavedTensor& saved, const family::ModelDescription& model, std::vector<std::string>& missing);
  checkpoint::TensorInfo& info(std::string_view name);
  [[nodiscard]] const Change* find_change(std::string_view name) const;
  void compute(const checkpoint::TensorInfo& tensor, const Change& change, std::uint64_t first,
               std::span<float> out) const;

  std::shared_ptr<const checkpoint::WeightSource> base_;
  std::shared_ptr<const LoraAdapter> adapter_;
  std::string label_;
  std::vector<checkpoint::TensorInfo> tensors_;
  std::map<std::string, Change, std::less<>> changes_;
  std::int64_t vocabulary_rows_ = 0;
};

}  // namespace cambium::merge
