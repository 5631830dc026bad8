#include "media/image_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "media/image_decode.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

using Json = nlohmann::ordered_json;

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/media" / name;
}

Json config_of(const std::string& name) {
  if (name == "clip224_crop") {
    return Json::parse(
        R"({"image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": 224}, "crop_size": 224})");
  }
  if (name == "llava15_pad") {
    return Json::parse(
        R"({"image_processor_type": "LlavaImageProcessorFast", "do_pad": true, "size": {"shortest_edge": 336},
                           "crop_size": {"height": 336, "width": 336}})");
  }
  if (name == "siglip384")
    return Json::parse(R"({"image_processor_type": "SiglipImageProcessor", "size": {"height": 384, "width": 384}})");
  return Json::parse(
      R"({"image_processor_type": "SiglipImageProcessor", "size": {"height": 224, "width": 224}, "resample": 2})");
}

// JPEG decoders differ by a level, so a.jpg is read from its decoded copy.
Image source(char image) { return read_image(golden(image == 'a' ? "a.decoded.png" : std::string(1, image) + ".png")); }

class PreparesAsTransformers : public testing::TestWithParam<std::tuple<char, const char*>> {};

TEST_P(PreparesAsTransformers, EveryByteEqualWithTorchvisionsResizer) {
  const auto& [image, config] = GetParam();
  const Image made =
      ImageProcessor::from_config(config_of(config), config).prepare(source(image), Resizer::kTorchvision);
  const Image want = read_image(golden(std::string(1, image) + "." + config + ".png"));
  ASSERT_EQ(made.height, want.height);
  EXPECT_TRUE(made.pixels == want.pixels);
}

INSTANTIATE_TEST_SUITE_P(All, PreparesAsTransformers,
                         testing::Combine(testing::Values('a', 'b', 'c'),
                                          testing::Values("clip224_crop", "llava15_pad", "siglip384",
                                                          "siglip224_bilinear")));

TEST(ImageProcessor, FollowsPillowsResizerWhenAsked) {
  for (const char* config : {"clip224_crop", "llava15_pad", "siglip384", "siglip224_bilinear"}) {
    const Image made = ImageProcessor::from_config(config_of(config), config).prepare(source('a'), Resizer::kPillow);
    EXPECT_TRUE(made.pixels == read_image(golden(std::string("a.") + config + ".pillow.png")).pixels) << config;
  }
}

// Every 16th pixel of transformers' pixel_values; 1e-6 is the rounding of one division in float32.
TEST(ImageProcessor, NormalisesAsTransformers) {
  const Image image = source('a');
  const PixelValues made = ImageProcessor::from_config(config_of("siglip224_bilinear"), "c").process({&image, 1});
  std::ifstream in(golden("a.siglip224_bilinear.grid.f32"), std::ios::binary);
  std::vector<float> want(3 * 14 * 14);
  in.read(reinterpret_cast<char*>(want.data()), static_cast<std::streamsize>(want.size() * 4));
  std::size_t next = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    for (std::size_t y = 3; y < 224; y += 16) {
      for (std::size_t x = 5; x < 224; x += 16) EXPECT_NEAR(made.values[(c * 224 + y) * 224 + x], want[next++], 1e-6);
    }
  }
}

TEST(ImageProcessor, PadsWithBlackWhatIsSmallerThanTheCrop) {
  Json config = Json::parse(R"({"do_resize": false, "crop_size": 5})");
  Image image(3, 2);
  std::ranges::fill(image.pixels, std::uint8_t{9});
  const Image made = ImageProcessor::from_config(config, "c").prepare(image);
  EXPECT_EQ(made.height, 5);
  EXPECT_EQ(made.row(0)[0], 0);
  EXPECT_EQ(made.row(1)[3], 9);
  EXPECT_EQ(made.row(4)[3], 0);
}

TEST(ImageProcessor, NamesTheFieldThatIsWrong) {
  const auto message = [](const char* text) {
    try {
      (void)ImageProcessor::from_config(Json::parse(text), "preprocessor_config.json");
    } catch (const CheckpointError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(message(R"({"size": {"shortest_edge": -1}})"), testing::HasSubstr("size.shortest_edge"));
  EXPECT_THAT(message(R"({"image_mean": [1, 2]})"), testing::HasSubstr("image_mean"));
  EXPECT_THAT(message(R"({"image_std": [0, 1, 1]})"), testing::HasSubstr("image_std"));
  EXPECT_THAT(message(R"({"resample": 9})"), testing::HasSubstr("resample"));
  EXPECT_THAT(message(R"({"image_processor_type": "Qwen2VLImageProcessor"})"),
              testing::HasSubstr("Qwen2VLImageProcessor"));
}

}  // namespace
}  // namespace cambium::media
