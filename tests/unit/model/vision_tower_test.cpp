#include "model/vision/vision_tower.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "model/decoder.h"
#include "model/loaded_model.h"
#include "model/media/media_inputs.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/models" / name;
}

double largest_difference(const at::Tensor& first, const at::Tensor& second) {
  return (first.to(at::kDouble) - second.to(at::kDouble)).abs().max().item<double>();
}

// Reference: transformers 5.23 in float32, tests/golden/models/make_llava.py. 1e-4 is the fixtures' tolerance for
// features, 2e-4 for logits of pictures; the weights are exact in bfloat16.
class Layouts : public testing::TestWithParam<const char*> {};

TEST_P(Layouts, GiveTransformersFeaturesAndLogits) {
  const at::NoGradGuard no_gradients;
  const LoadedModel model = load_model(open_model(golden(GetParam()).string()), at::kFloat);
  const MediaTowers media = load_media(model);
  ASSERT_EQ(media.all().size(), 1U);
  const VisionTower& vision = media.all()[0].tower();
  TensorMap tensors = read_tensor_file(golden("llava_15.image.safetensors"));
  const at::Tensor pixels = tensors.at("pixel_values");
  const at::Tensor output = vision.tower_output(pixels);
  EXPECT_LE(largest_difference(output.reshape({-1, output.size(-1)}),
                               tensors.at("tower_output").reshape({-1, output.size(-1)})),
            1e-4);
  const at::Tensor features = vision.image_features(pixels);
  EXPECT_LE(largest_difference(features.reshape({-1, features.size(-1)}),
                               tensors.at("image_features").reshape({-1, features.size(-1)})),
            1e-4);

  const Decoder decoder(model.config, model.weights);
  TensorMap inputs = tensors;
  const MediaInputs taken = take_media(inputs, [&]() -> const MediaTowers& { return media; });
  const at::Tensor embeddings = place_media(decoder.embed(inputs.at("input_ids")), taken);
  const at::Tensor logits =
      decoder.logits(decoder.forward_embeddings(embeddings, AttentionLayout::from_mask(tensors.at("attention_mask"))));
  EXPECT_LE(largest_difference(logits, tensors.at("logits")), 2e-4);
}

// The `original` layout says nothing of its tower's heads nor of the id of its pictures.
INSTANTIATE_TEST_SUITE_P(Names, Layouts, testing::Values("llava_15-pre452", "llava_15-module", "llava_15-original"));

TEST(VisionConfig, TakesHeadsOf64ValuesWhereTheyFit) {
  const LoadedModel model = load_model(open_model(golden("llava_15-original").string()), at::kFloat);
  const auto heads = [&](const checkpoint::Json& config) {
    return vision_config(config, model.description, *model.source.weights, model.source.folder).tower.num_heads;
  };
  checkpoint::Json config = model.source.config;
  EXPECT_EQ(heads(config), 4);  // the language model's: a width of 32 has no head of 64
  config["mm_vision_num_heads"] = 2;
  EXPECT_EQ(heads(config), 2);
  config["mm_vision_num_heads"] = 5;
  EXPECT_THROW((void)heads(config), CheckpointError);
}

TEST(VisionConfig, ReadsTheRepositorysTowerOffItsTensors) {
  const LoadedModel model = load_model(open_model(golden("llava_15-original").string()), at::kFloat);
  checkpoint::Json config = model.source.config;
  config["mm_vision_num_heads"] = 4;
  const VisionConfig vision = vision_config(config, model.description, *model.source.weights, model.source.folder);
  EXPECT_EQ(vision.tower.hidden_size, 32);
  EXPECT_EQ(vision.tower.num_layers, 3);
  EXPECT_EQ(vision.tower.image_width, 28);
  EXPECT_EQ(vision.tower.patch_height, 7);
  EXPECT_EQ(vision.image_token, -200);
  EXPECT_EQ(vision.tokens_per_picture(), 16);
  EXPECT_THAT(vision.feature_layers, testing::ElementsAre(2));
}

TEST(PlaceFeatures, RefusesAnotherNumberOfImageTokensThanRows) {
  const LoadedModel model = load_model(open_model(golden("llava_15-module").string()), at::kFloat);
  TensorMap tensors = read_tensor_file(golden("llava_15.image.safetensors"));
  const MediaTowers media = load_media(model);
  const at::Tensor features = media.all()[0].features(tensors.at("pixel_values")).slice(1, 1);
  const Decoder decoder(model.config, model.weights);
  EXPECT_THROW((void)place_features(decoder.embed(tensors.at("input_ids")), tensors.at("input_ids"), features, 404),
               ShapeError);
}

TEST(VisionTower, RefusesPicturesOfAnotherSize) {
  const LoadedModel model = load_model(open_model(golden("llava_15-module").string()), at::kFloat);
  const TensorMap tensors = read_tensor_file(golden("llava_15.image.safetensors"));
  EXPECT_THROW((void)load_media(model).all()[0].features(tensors.at("pixel_values").slice(2, 0, 21)), ShapeError);
}

TEST(MediaRows, SplitIntoRunsAndSkipWhatIsMasked) {
  MediaInputs media;
  TensorMap tensors = read_tensor_file(golden("llava_15.image.safetensors"));
  media.ids = tensors.at("input_ids");
  media.features.push_back({Modality::kImage, 404, tensors.at("image_features")});
  const auto rows = media_rows(media, tensors.at("attention_mask"));
  ASSERT_EQ(rows.size(), 1U);
  ASSERT_EQ(rows[0].size(), 1U);
  EXPECT_EQ(rows[0][0].count, 16U);
  EXPECT_NE(rows[0][0].identity, 0U);
}

}  // namespace
}  // namespace cambium::model
