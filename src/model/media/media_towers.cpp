#include "model/media/media_towers.h"

#include <ATen/ops/mean.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "model/config_reader.h"
#include "model/loaded_model.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

Pooling pooling_from(const ConfigReader& config) {
  const std::string word = config.text("pooling").value_or("none");
  if (word == "none") return Pooling::kNone;
  if (word == "frames") return Pooling::kFrames;
  if (word == "patches") return Pooling::kPatches;
  config.fail("pooling", "none, frames or patches");
}

}  // namespace

std::vector<MediaTowerConfig> media_config(const checkpoint::Json& config, const family::ModelDescription& description,
                                           const checkpoint::WeightSource& weights,
                                           const std::filesystem::path& folder) {
  std::vector<MediaTowerConfig> out;
  if (!description.multimodal) return out;
  const std::string& where = weights.label();
  if (description.family == "cambium_graft") {
    const ConfigReader reader(config, where);
    const Json& modalities = reader.object("modalities");
    for (const Modality modality : kModalities) {
      const std::string name(names_of(modality).name);
      if (!modalities.contains(name)) continue;
      const ConfigReader own(modalities[name], fmt::format("{}: modalities.{}", where, name));
      MediaTowerConfig tower;
      tower.modality = modality;
      tower.vision = grafted_vision_config(modalities[name], own.where());
      if (modality == Modality::kVideo) {
        tower.num_frames = own.integer("num_frames").value_or(8);
        if (tower.num_frames < 1 || tower.num_frames > 4096) own.fail("num_frames", "a whole number from 1 to 4096");
        tower.pooling = pooling_from(own);
      }
      out.push_back(std::move(tower));
    }
    if (out.empty()) reader.fail("modalities", "an object with image, video or audio");
    return out;
  }
  if (description.family != "llava" || description.find_canonical("multi_modal_projector.linear_1.weight") == nullptr) {
    throw CheckpointError(
        fmt::format("{}: pictures of the family '{}' are not supported; llava (LLaVA-1.5's form) and cambium_graft are",
                    where, description.family));
  }
  MediaTowerConfig tower;
  tower.vision = vision_config(config, description, weights, folder);
  out.push_back(std::move(tower));
  return out;
}

MediaTower::MediaTower(MediaTowerConfig config, VisionWeights weights)
    : config_(std::move(config)), tower_(config_.vision, std::move(weights)) {}

std::int64_t MediaTower::tokens() const {
  const std::int64_t picture = config_.vision.tokens_per_picture();
  if (config_.modality != Modality::kVideo) return picture;
  switch (config_.pooling) {
    case Pooling::kNone:
      return config_.num_frames * picture;
    case Pooling::kFrames:
      return picture;
    case Pooling::kPatches:
      return config_.num_frames;
  }
  return picture;
}

at::Tensor MediaTower::features(const at::Tensor& input) const {
  if (config_.modality == Modality::kImage) return tower_.image_features(input);
  if (config_.modality == Modality::kAudio) {
    if (input.dim() != 3) {
      throw ShapeError(fmt::format("input_features has shape [{}], expected [sounds, mels, frames]",
                                   fmt::join(input.sizes().vec(), ", ")));
    }
    return tower_.image_features(input.unsqueeze(1));
  }
  if (input.dim() != 5 || input.size(1) != config_.num_frames) {
    throw ShapeError(
        fmt::format("pixel_values_videos has shape [{}], expected [clips, {}, channels, height, width] for this model",
                    fmt::join(input.sizes().vec(), ", "), config_.num_frames));
  }
  const std::int64_t clips = input.size(0);
  const at::Tensor frames = tower_.tower_output(input.flatten(0, 1));  // [clips * num_frames, tokens, width]
  const at::Tensor by_clip = frames.view({clips, config_.num_frames, frames.size(1), frames.size(2)});
  switch (config_.pooling) {
    case Pooling::kNone:
      return tower_.project(by_clip.flatten(1, 2));
    case Pooling::kFrames:
      return tower_.project(by_clip.mean(1));
    case Pooling::kPatches:
      return tower_.project(by_clip.mean(2));
  }
  return {};
}

const MediaTower* MediaTowers::find(Modality modality) const {
  for (const MediaTower& tower : towers_) {
    if (tower.modality() == modality) return &tower;
  }
  return nullptr;
}

MediaTowers assemble_media(const std::vector<MediaTowerConfig>& configs, const family::ModelDescription& description,
                           std::string_view where, const TensorLookup& tensor) {
  std::vector<MediaTower> towers;
  for (const MediaTowerConfig& config : configs) {
    const ModalityNames& names = names_of(config.modality);
    towers.emplace_back(config,
                        assemble_vision(description, config.vision, {names.tower, names.projector}, where, tensor));
  }
  return MediaTowers(std::move(towers));
}

MediaTowers load_media(const LoadedModel& model) {
  const checkpoint::WeightSource& weights = *model.source.weights;
  return assemble_media(media_config(model.source.config, model.description, weights, model.source.folder),
                        model.description, weights.label(),
                        [&](const family::TensorRole& role) { return load_tensor(weights, role.name, model.dtype); });
}

}  // namespace cambium::model
