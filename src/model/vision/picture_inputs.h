#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <vector>

#include "model/engine/requests.h"
#include "model/loaded_model.h"
#include "model/tensor_file.h"
#include "model/vision/vision_tower.h"

namespace cambium::model {

/// The tower and projector of a loaded model, in its type; null for a model without.
/// @throws CheckpointError  a multimodal family whose pictures Cambium does not compute yet (names it), or as
/// vision_config and
///         assemble_vision
[[nodiscard]] std::unique_ptr<VisionTower> load_vision(const LoadedModel& model);

/// Pictures of given inputs: what `pixel_values` becomes, and where it goes.
struct PictureInputs {
  at::Tensor ids;       ///< [batch, seq]: input_ids as given
  at::Tensor features;  ///< [pictures, rows, hidden], or undefined if the inputs have no pictures
};
/// Takes pixel_values out of `tensors` and, where image tokens are not ids of the embedding, writes 0 for them in its
/// input_ids (the rows are replaced anyway). Does nothing where there are no pixel_values.
/// @throws UsageError  pixel_values for a model without a tower; ShapeError  as tower_output
[[nodiscard]] PictureInputs take_pictures(TensorMap& tensors, const VisionTower* vision);

/// The pictures' rows as the engine takes them: for each row of the batch, each run of image tokens without what the
/// mask leaves out.
/// @param mask  [batch, seq] of 0 and 1
/// @throws ShapeError  the number of image tokens is not the number of rows
[[nodiscard]] std::vector<std::vector<EmbeddingRows>> picture_rows(const PictureInputs& pictures,
                                                                   const at::Tensor& mask, std::int64_t image_token);

}  // namespace cambium::model
