#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_folder.h"
#include "checkpoint/weight_source.h"

namespace cambium::merge {

/// One adapted layer: what is added to its weight is scale * B A, or for an embedding scale * (B A) transposed.
struct LoraModule {
  std::string path;  ///< of the layer in the model it was trained on: "model.layers.0.self_attn.q_proj"
  const checkpoint::TensorInfo* a = nullptr;  ///< [rank, inputs, ...]
  const checkpoint::TensorInfo* b = nullptr;  ///< [outputs, rank, ...]; an embedding: [dimension, rank]
  bool embedding = false;
  std::int64_t rank = 0;
  double scale = 1.0;
};

/// A tensor that the adapter holds as a whole (modules_to_save, trained biases).
struct SavedTensor {
  std::string path;  ///< in the model it was trained on: "lm_head.weight"
  const checkpoint::TensorInfo* tensor = nullptr;
};

/// A LoRA adapter as PEFT saves it: adapter_config.json and adapter_model.safetensors.
/// Source: https://github.com/huggingface/peft (save format), arXiv:2106.09685.
class LoraAdapter {
 public:
  /// @throws CheckpointError  no or malformed adapter_config.json; another kind of adapter than LoRA, or a variant
  /// whose product cannot
  ///         be added to weights as it is (DoRA, PiSSA ...), with what to do; tensors that are not pairs of fitting
  ///         shapes, or of unknown names
  explicit LoraAdapter(const std::filesystem::path& folder);
  /// A folder, or `org/name` in the Hugging Face cache.
  [[nodiscard]] static LoraAdapter open(std::string_view name);
  /// Does the folder hold an adapter and no model?
  [[nodiscard]] static bool is_adapter(const std::filesystem::path& folder);

  [[nodiscard]] const std::string& label() const { return label_; }
  /// The model it was trained on, as its config names it; may be empty.
  [[nodiscard]] const std::string& base_model() const { return base_model_; }
  /// Weights of adapted layers are stored [inputs, outputs] (GPT-2).
  [[nodiscard]] bool fan_in_fan_out() const { return fan_in_fan_out_; }
  /// By path.
  [[nodiscard]] const std::vector<LoraModule>& modules() const { return modules_; }
  [[nodiscard]] const std::vector<SavedTensor>& saved() const { return saved_; }
  [[nodiscard]] const checkpoint::ModelFolder& folder() const { return folder_; }

 private:
  void read_config();
  void read_tensors();
  void check_module(const LoraModule& module) const;

  checkpoint::ModelFolder folder_;
  std::string label_;
  std::string base_model_;
  bool fan_in_fan_out_ = false;
  std::vector<LoraModule> modules_;
  std::vector<SavedTensor> saved_;
};

}  // namespace cambium::merge
