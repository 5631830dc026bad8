#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "model/media/modality.h"
#include "model/vision/vision_tower.h"

namespace cambium::model {

struct LoadedModel;

/// What the frames of a clip become.
enum class Pooling : std::uint8_t {
  kNone,     ///< all tokens of all frames, one frame behind the other
  kFrames,   ///< the mean over the frames: as many tokens as one picture has
  kPatches,  ///< the mean over each frame's tokens: one token a frame
};

/// How one modality enters the model.
struct MediaTowerConfig {
  Modality modality = Modality::kImage;
  VisionConfig vision;          ///< its image_token is the id that stands for one feature row
  std::int64_t num_frames = 1;  ///< of a clip
  Pooling pooling = Pooling::kNone;
};

/// The modalities of a model by its config: LLaVA's form (one tower for pictures), or Cambium's own with up to three
/// (docs/grafts.md). Empty for a language model.
/// @param folder  where tokenizer.json may tell the id of `<image>`
/// @throws CheckpointError  a multimodal family that is not run yet (names it), else as vision_config
[[nodiscard]] std::vector<MediaTowerConfig> media_config(const checkpoint::Json& config,
                                                         const family::ModelDescription& description,
                                                         const checkpoint::WeightSource& weights,
                                                         const std::filesystem::path& folder);

/// One modality's tower and projector. Plain at:: operations, differentiable with respect to weights and input.
class MediaTower {
 public:
  MediaTower(MediaTowerConfig config, VisionWeights weights);

  [[nodiscard]] const MediaTowerConfig& config() const { return config_; }
  [[nodiscard]] Modality modality() const { return config_.modality; }
  [[nodiscard]] const VisionTower& tower() const { return tower_; }
  /// The id that stands for one feature row in input_ids.
  [[nodiscard]] std::int64_t token() const { return config_.vision.image_token; }
  /// Rows that one picture, clip or sound becomes.
  [[nodiscard]] std::int64_t tokens() const;

  /// @param input  pictures [items, channels, height, width]; clips [items, num_frames, channels, height, width];
  /// sounds
  ///               [items, mels, frames], any floating type
  /// @return       [items, tokens(), hidden of the language model]
  /// @throws ShapeError  another size than the tower's
  [[nodiscard]] at::Tensor features(const at::Tensor& input) const;

 private:
  MediaTowerConfig config_;
  VisionTower tower_;
};

/// All modalities of a model.
class MediaTowers {
 public:
  MediaTowers() = default;
  explicit MediaTowers(std::vector<MediaTower> towers) : towers_(std::move(towers)) {}
  /// Null if the model does not take that modality.
  [[nodiscard]] const MediaTower* find(Modality modality) const;
  [[nodiscard]] std::span<const MediaTower> all() const { return towers_; }
  [[nodiscard]] bool empty() const { return towers_.empty(); }

 private:
  std::vector<MediaTower> towers_;
};

/// Finds the tensors by their canonical names (names_of: "vision_tower.encoder.layers.0.mlp.fc1.weight",
/// "multi_modal_projector.linear_1.weight", ...). All steps are differentiable: with a look-up that returns the
/// parameters of a training run, gradients reach the stored tensors.
/// @throws CheckpointError  tensors missing (all of a modality named at once) or of a shape that does not fit
[[nodiscard]] MediaTowers assemble_media(const std::vector<MediaTowerConfig>& configs,
                                         const family::ModelDescription& description, std::string_view where,
                                         const TensorLookup& tensor);

/// media_config and assemble_media of a loaded model, in its type.
[[nodiscard]] MediaTowers load_media(const LoadedModel& model);

}  // namespace cambium::model
