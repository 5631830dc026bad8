#pragma once

#include <ATen/core/Tensor.h>

#include <string_view>
#include <vector>

#include "model/decoder_weights.h"
#include "model/vision/vision_config.h"

namespace cambium::model {

/// Weights of one tower layer.
struct TowerLayer {
  Norm norm1, norm2;
  Linear query, key, value, output;  ///< [hidden, hidden]
  Linear up, down;                   ///< [intermediate, hidden], [hidden, intermediate]
};

/// A tower and the projector behind it.
struct VisionWeights {
  at::Tensor class_embedding;  ///< [hidden], or undefined
  Linear patch;                ///< [hidden, channels, patch, patch]
  at::Tensor positions;        ///< [tokens, hidden]
  Norm pre_norm;
  std::vector<TowerLayer> layers;
  std::vector<Linear> projector;  ///< applied in order with the activation between
};

/// Prefixes of the canonical names of a tower and its projector.
struct VisionNames {
  std::string_view tower = "vision_tower.";
  std::string_view projector = "multi_modal_projector.";
};

/// Finds the tensors by their canonical names. Differentiable as assemble_decoder.
/// @throws CheckpointError  tensors missing (all named at once) or of a shape that does not fit the config
[[nodiscard]] VisionWeights assemble_vision(const family::ModelDescription& description, const VisionConfig& config,
                                            const VisionNames& names, std::string_view where,
                                            const TensorLookup& tensor);

/// Pictures to rows that stand in for image tokens: ViT tower, chosen layers, projector. Plain at:: operations,
/// differentiable. Source: transformers' CLIPVisionModel, SiglipVisionModel and LlavaMultiModalProjector.
class VisionTower {
 public:
  VisionTower(VisionConfig config, VisionWeights weights);
  [[nodiscard]] const VisionConfig& config() const { return config_; }

  /// @param pixels  [pictures, channels, image_height, image_width]
  /// @return        [pictures, tokens_per_picture, tower hidden * feature layers]: the projector's input
  /// @throws ShapeError  pictures of another size
  [[nodiscard]] at::Tensor tower_output(const at::Tensor& pixels) const;
  /// [..., tower width] -> [..., hidden of the language model]
  [[nodiscard]] at::Tensor project(const at::Tensor& features) const;
  /// project(tower_output(pixels)): [pictures, tokens_per_picture, hidden]
  [[nodiscard]] at::Tensor image_features(const at::Tensor& pixels) const;

 private:
  [[nodiscard]] at::Tensor layer(const at::Tensor& input, const TowerLayer& weights) const;
  VisionConfig config_;
  VisionWeights weights_;
};

/// Puts feature rows, in order, in the places of the image tokens.
/// @param embeddings  [batch, seq, hidden]   @param ids  [batch, seq]   @param features  [..., hidden]
/// @throws ShapeError  the number of image tokens is not the number of rows (both are named)
[[nodiscard]] at::Tensor place_features(const at::Tensor& embeddings, const at::Tensor& ids, const at::Tensor& features,
                                        std::int64_t image_token);

}  // namespace cambium::model
