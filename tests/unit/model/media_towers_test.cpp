#include "model/media/media_towers.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "model/loaded_model.h"
#include "model/tensor_file.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/models" / name;
}

const LoadedModel& llava() {
  static const LoadedModel model = load_model(open_model(golden("llava_15-module").string()), at::kFloat);
  return model;
}

// The golden tower, used for another modality.
MediaTower tower_for(Modality modality, Pooling pooling = Pooling::kNone) {
  const LoadedModel& model = llava();
  MediaTowerConfig config = media_config(model.source.config, model.description, *model.source.weights, {}).at(0);
  VisionWeights weights = assemble_vision(model.description, config.vision, {}, "llava", [&](const auto& role) {
    return load_tensor(*model.source.weights, role.name, at::kFloat);
  });
  config.modality = modality;
  config.num_frames = 2;
  config.pooling = pooling;
  return MediaTower(config, std::move(weights));
}

double largest(const at::Tensor& difference) { return difference.abs().max().item<double>(); }

TEST(MediaTower, PutsAClipsFramesBehindEachOther) {
  const at::NoGradGuard no_gradients;
  const at::Tensor clips = at::randn({3, 2, 3, 28, 28});
  const MediaTower video = tower_for(Modality::kVideo);
  EXPECT_EQ(video.tokens(), 32);
  const at::Tensor made = video.features(clips);
  const at::Tensor frames = tower_for(Modality::kImage).features(clips.flatten(0, 1)).view({3, 32, 32});
  EXPECT_LE(largest(made - frames), 1e-5);
}

// The mean is taken of what the tower gives, before the projector.
TEST(MediaTower, PoolsOverFramesOrOverPatches) {
  const at::NoGradGuard no_gradients;
  const at::Tensor clips = at::randn({1, 2, 3, 28, 28});
  const MediaTower image = tower_for(Modality::kImage);
  const at::Tensor frames = image.tower().tower_output(clips[0]);  // [2, 16, width]
  const MediaTower by_frames = tower_for(Modality::kVideo, Pooling::kFrames);
  EXPECT_EQ(by_frames.tokens(), 16);
  EXPECT_LE(largest(by_frames.features(clips)[0] - image.tower().project((frames[0] + frames[1]) / 2)), 1e-5);
  const MediaTower by_patches = tower_for(Modality::kVideo, Pooling::kPatches);
  EXPECT_EQ(by_patches.tokens(), 2);
  EXPECT_LE(largest(by_patches.features(clips)[0] - image.tower().project(frames.mean(1))), 1e-5);
}

TEST(MediaTower, RefusesClipsOfAnotherNumberOfFrames) {
  EXPECT_THROW((void)tower_for(Modality::kVideo).features(at::randn({1, 3, 3, 28, 28})), ShapeError);
}

// Analytic gradients against central differences, in float64: through projector, tower and pixels.
TEST(MediaTower, IsDifferentiableInItsParametersAndItsInput) {
  const LoadedModel& model = llava();
  std::map<std::string, at::Tensor> parameters;
  const auto configs = media_config(model.source.config, model.description, *model.source.weights, {});
  const MediaTowers towers = assemble_media(configs, model.description, "llava", [&](const family::TensorRole& role) {
    at::Tensor parameter = load_tensor(*model.source.weights, role.name, at::kFloat).to(at::kDouble).clone();
    parameter.requires_grad_(true);
    parameters[role.canonical] = parameter;
    return parameter;
  });
  at::Tensor pixels =
      read_tensor_file(golden("llava_15.image.safetensors")).at("pixel_values").to(at::kDouble).requires_grad_(true);
  const auto loss = [&] { return towers.all()[0].features(pixels).pow(2).sum(); };
  loss().backward();

  const auto check = [&](at::Tensor& tensor, const std::string& name) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    const at::Tensor flat = tensor.grad().reshape(-1);
    const auto most = flat.abs().argmax().item<std::int64_t>();
    const at::NoGradGuard no_gradients;
    at::Tensor values = tensor.view(-1);
    constexpr double kStep = 1e-5;
    const double before = values[most].item<double>();
    values[most].fill_(before + kStep);
    const double above = loss().item<double>();
    values[most].fill_(before - kStep);
    const double below = loss().item<double>();
    values[most].fill_(before);
    const double want = (above - below) / (2 * kStep);
    EXPECT_NEAR(flat[most].item<double>(), want, 1e-6 * std::abs(want) + 1e-9) << name;
  };
  check(pixels, "pixels");
  for (const char* name :
       {"vision_tower.embeddings.class_embedding", "vision_tower.embeddings.patch_embedding.weight",
        "vision_tower.embeddings.position_embedding.weight", "vision_tower.pre_layrnorm.weight",
        "vision_tower.encoder.layers.0.self_attn.q_proj.weight", "vision_tower.encoder.layers.1.mlp.fc2.bias",
        "multi_modal_projector.linear_1.weight", "multi_modal_projector.linear_2.bias"}) {
    check(parameters.at(name), name);
  }
  // The layer behind the one that is read gets none.
  EXPECT_FALSE(parameters.at("vision_tower.encoder.layers.2.mlp.fc1.weight").grad().defined());
}

}  // namespace
}  // namespace cambium::model
