#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "checkpoint/json.h"
#include "checkpoint/weight_source.h"
#include "family/model_description.h"
#include "model/decoder_config.h"

namespace cambium::model {

/// Sizes of a vision transformer as Hugging Face's CLIP and SigLIP towers have it. image_size and patch_size of its
/// config may be [height, width]: the picture of a sound is not square.
struct TowerConfig {
  std::int64_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0;
  std::int64_t image_height = 0, image_width = 0, patch_height = 0, patch_width = 0, num_channels = 3;
  double norm_epsilon = 1e-5;
  Activation activation = Activation::kQuickGelu;
  bool class_token = true;  ///< a learned token in front of the patches (CLIP)
  bool pre_norm = true;     ///< a norm before the first layer (CLIP)
  [[nodiscard]] std::int64_t patches() const { return (image_height / patch_height) * (image_width / patch_width); }
};

/// How pictures enter a language model in LLaVA's way.
struct VisionConfig {
  TowerConfig tower;
  std::vector<std::int64_t> feature_layers;  ///< 0: the embeddings, i: behind layer i; several are put side by side
  bool drop_class_token = true;              ///< vision_feature_select_strategy "default"
  Activation projector_activation = Activation::kGelu;
  std::int64_t image_token = -200;  ///< id that stands for one feature row; the LLaVA repository writes -200
  /// Rows that one picture becomes. As in transformers, "default" drops the first token whether or not it is a class
  /// token.
  [[nodiscard]] std::int64_t tokens_per_picture() const {
    return tower.patches() + (tower.class_token ? 1 : 0) - (drop_class_token ? 1 : 0);
  }
};

/// Reads a LLaVA config: Hugging Face's in either spelling (what is left out takes transformers' defaults), or the
/// LLaVA repository's, whose tower sizes come from the shapes of its tensors (heads of 64 values, of towers whose width
/// that does not divide as many as the language model has, unless the tower named by mm_vision_tower lies in the
/// Hugging Face cache or mm_vision_num_heads says so; quick GELU).
/// @param folder  where tokenizer.json may tell the id of `<image>`
/// @throws CheckpointError  a tower of another kind (lists the known ones), a field of the wrong type or out of range
[[nodiscard]] VisionConfig vision_config(const checkpoint::Json& config, const family::ModelDescription& description,
                                         const checkpoint::WeightSource& weights, const std::filesystem::path& folder);

/// The fields of one modality in Cambium's own form: those of a LLaVA config (vision_config, vision_feature_layer, ...,
/// image_token_index).
/// @param where  model and field, for messages
[[nodiscard]] VisionConfig grafted_vision_config(const checkpoint::Json& object, const std::string& where);

}  // namespace cambium::model
