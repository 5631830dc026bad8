#include "media/clip_processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tensor/error.h"

namespace cambium::media {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;

// numpy: np.linspace(0, total - 1, 8).astype(int).
TEST(SpreadFrames, TakesTheFramesThatNumpysLinspaceTakes) {
  EXPECT_THAT(spread_frames(1, 8), ElementsAre(0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(spread_frames(3, 8), ElementsAre(0, 0, 0, 0, 1, 1, 1, 2));
  EXPECT_THAT(spread_frames(9, 8), ElementsAre(0, 1, 2, 3, 4, 5, 6, 8));
  EXPECT_THAT(spread_frames(100, 8), ElementsAre(0, 14, 28, 42, 56, 70, 84, 99));
  EXPECT_THAT(spread_frames(7, 1), ElementsAre(0));
}

TEST(ClipProcessor, ProcessesTheFramesThatItTakesFromAClip) {
  const Json config = Json::parse(
      R"({"num_frames": 2, "do_resize": false, "do_center_crop": false, "do_rescale": false, "do_normalize": false})");
  std::vector<Image> clip(5, Image(1, 2));
  for (std::size_t i = 0; i < clip.size(); ++i) std::ranges::fill(clip[i].pixels, static_cast<std::uint8_t>(i));
  const PixelValues made = ClipProcessor::from_config(config, "c").process(clip);
  EXPECT_EQ(made.pictures, 2);
  EXPECT_THAT(made.values, ElementsAre(0, 0, 0, 0, 0, 0, 4, 4, 4, 4, 4, 4));
}

TEST(ClipProcessor, RefusesOtherKindsAndAnAbsurdNumberOfFrames) {
  EXPECT_THROW(
      (void)ClipProcessor::from_config(Json::parse(R"({"video_processor_type": "Qwen2VLVideoProcessor"})"), "c"),
      CheckpointError);
  EXPECT_THROW((void)ClipProcessor::from_config(Json::parse(R"({"num_frames": 0})"), "c"), CheckpointError);
}

}  // namespace
}  // namespace cambium::media
