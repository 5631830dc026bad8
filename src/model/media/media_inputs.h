#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "model/engine/requests.h"
#include "model/media/media_towers.h"
#include "model/tensor_file.h"

namespace cambium::model {

/// Features of one modality, and the id of the tokens that they replace.
struct MediaFeatures {
  Modality modality = Modality::kImage;
  std::int64_t token = 0;
  at::Tensor rows;  ///< [items, tokens, hidden]
};

/// Pictures, clips and sounds of given inputs: what they become, and where they go.
struct MediaInputs {
  at::Tensor ids;  ///< [batch, seq]: input_ids as given; undefined if the inputs have no media
  std::vector<MediaFeatures> features;
};

/// Takes pixel_values, pixel_values_videos and input_features (with its mask) out of `tensors` and, where their tokens
/// are not ids of the embedding, writes 0 for them in its input_ids (the rows are replaced anyway).
///
/// A model of the LLaVA repository has no token for pictures (its config says -200). Given ids that the processor of
/// another layout expanded, the one id that comes in runs of a picture's rows, as often as there are pictures, stands
/// for them.
/// @param towers  called only if there is one of these tensors
/// @throws UsageError  a tensor of a modality that the model does not take; ShapeError  as MediaTower::features
[[nodiscard]] MediaInputs take_media(TensorMap& tensors, const std::function<const MediaTowers&()>& towers);

/// Embeddings [batch, seq, hidden] with the features in the places of their tokens. Differentiable.
/// @throws ShapeError  as place_features
[[nodiscard]] at::Tensor place_media(const at::Tensor& embeddings, const MediaInputs& media);

/// The features as the engine takes them: for each row of the batch, each run of a modality's tokens, without what the
/// mask leaves out.
/// @param mask  [batch, seq] of 0 and 1
/// @throws ShapeError  the number of tokens is not the number of rows
[[nodiscard]] std::vector<std::vector<EmbeddingRows>> media_rows(const MediaInputs& media, const at::Tensor& mask);

/// Rows [count, hidden] that stand in for the tokens from `position` on.
[[nodiscard]] EmbeddingRows embedding_rows(const at::Tensor& rows, std::size_t position);

}  // namespace cambium::model
