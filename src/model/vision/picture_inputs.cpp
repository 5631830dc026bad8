#include "model/vision/picture_inputs.h"

#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>
#include <xxhash.h>

#include "tensor/error.h"

namespace cambium::model {

std::unique_ptr<VisionTower> load_vision(const LoadedModel& model) {
  const family::ModelDescription& description = model.description;
  if (!description.multimodal) return nullptr;
  const std::string& where = model.source.weights->label();
  if (description.find_canonical("multi_modal_projector.linear_1.weight") == nullptr || description.family != "llava") {
    throw CheckpointError(fmt::format("{}: pictures of the family '{}' are not supported; llava (LLaVA-1.5's form) is",
                                      where, description.family));
  }
  const VisionConfig config =
      vision_config(model.source.config, description, *model.source.weights, model.source.folder);
  VisionWeights weights = assemble_vision(description, config, where, [&](const family::TensorRole& role) {
    return load_tensor(*model.source.weights, role.name, model.dtype);
  });
  return std::make_unique<VisionTower>(config, std::move(weights));
}

PictureInputs take_pictures(TensorMap& tensors, const VisionTower* vision) {
  PictureInputs out;
  const auto ids = tensors.find("input_ids");
  const auto pixels = tensors.find("pixel_values");
  if (ids == tensors.end() || pixels == tensors.end()) return out;
  if (vision == nullptr) throw UsageError("pixel_values are given, but the model has no vision tower");
  out.ids = ids->second;
  out.features = vision->image_features(pixels->second);
  ids->second = at::where(out.ids.eq(vision->config().image_token), at::zeros_like(out.ids), out.ids);
  tensors.erase(pixels);
  return out;
}

std::vector<std::vector<EmbeddingRows>> picture_rows(const PictureInputs& pictures, const at::Tensor& mask,
                                                     std::int64_t image_token) {
  std::vector<std::vector<EmbeddingRows>> rows(static_cast<std::size_t>(mask.size(0)));
  if (!pictures.features.defined()) return rows;
  const at::Tensor ids = pictures.ids.contiguous();
  const at::Tensor kept = mask.contiguous();
  const at::Tensor features = pictures.features.to(at::kFloat).reshape({-1, pictures.features.size(-1)}).contiguous();
  const auto hidden = static_cast<std::size_t>(features.size(1));
  const auto available = static_cast<std::size_t>(features.size(0));
  const std::int64_t columns = ids.size(1);
  std::size_t used = 0;
  for (std::int64_t row = 0; row < ids.size(0); ++row) {
    std::size_t position = 0;
    std::size_t run = 0;
    const auto close = [&] {
      if (run == 0) return;
      if (used + run <= available) {
        const float* first = features.const_data_ptr<float>() + used * hidden;
        EmbeddingRows part{position - run, run, std::make_shared<const std::vector<float>>(first, first + run * hidden),
                           0};
        part.identity = XXH3_64bits(part.values->data(), part.values->size() * sizeof(float));
        rows[static_cast<std::size_t>(row)].push_back(std::move(part));
      }
      used += run;
      run = 0;
    };
    for (std::int64_t column = 0; column < columns; ++column) {
      const std::int64_t at = row * columns + column;
      if (kept.const_data_ptr<std::int64_t>()[at] == 0) continue;
      if (ids.const_data_ptr<std::int64_t>()[at] == image_token) {
        ++run;
      } else {
        close();
      }
      ++position;
    }
    close();
  }
  if (used != available) {
    throw ShapeError(
        fmt::format("the prompts have {} image tokens (id {}), but the pictures give {} feature rows; each picture "
                    "needs a run of its "
                    "rows' number of image tokens",
                    used, image_token, available));
  }
  return rows;
}

}  // namespace cambium::model
