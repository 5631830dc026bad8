#include "media/image_decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tensor/error.h"

namespace cambium::media {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/media" / name;
}

int largest_difference(const Image& first, const Image& second) {
  EXPECT_EQ(first.height, second.height);
  EXPECT_EQ(first.width, second.width);
  if (first.pixels.size() != second.pixels.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < first.pixels.size(); ++i)
    largest = std::max(largest, std::abs(first.pixels[i] - second.pixels[i]));
  return largest;
}

std::vector<std::byte> bytes_of(const std::string& name) {
  std::ifstream in(golden(name), std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  const auto* begin = reinterpret_cast<const std::byte*>(chars.data());
  return {begin, begin + chars.size()};
}

class ReadsAsPillow : public testing::TestWithParam<const char*> {};

TEST_P(ReadsAsPillow, EveryPixelEqual) {
  EXPECT_EQ(
      largest_difference(read_image(golden(GetParam())), read_image(golden(std::string(GetParam()) + ".rgb.png"))), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, ReadsAsPillow,
                         testing::Values("gray_alpha.png", "one_bit.png", "gray16.png", "palette.png",
                                         "palette_key.png", "rgb_key.png", "gray.jpg", "cmyk.jpg", "lossless.webp",
                                         "lossy.webp", "still.gif", "turn2.png", "turn3.png", "turn4.png", "turn5.png",
                                         "turn6.png", "turn7.png", "turn8.png"));

// libjpeg-turbo versions differ by a level in smooth chroma.
TEST(ImageDecode, ReadsSubsampledJpegAsPillowWithinOneLevel) {
  EXPECT_LE(largest_difference(read_image(golden("a.jpg")), read_image(golden("a.decoded.png"))), 1);
}

TEST(ImageDecode, ShowsEveryFrameOfAGif) {
  const std::vector<Image> frames = read_clip(golden("clip.gif"));
  ASSERT_EQ(frames.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(largest_difference(frames[k], read_image(golden("clip.gif." + std::to_string(k) + ".rgb.png"))), 0) << k;
  }
}

TEST(ImageDecode, RefusesEveryPictureCutShortAndNamesIt) {
  for (const char* name : {"a.jpg", "b.png", "lossless.webp", "clip.gif"}) {
    std::vector<std::byte> bytes = bytes_of(name);
    bytes.resize(bytes.size() / 2);
    try {
      (void)decode_image(bytes, name);
      ADD_FAILURE() << name << " was accepted";
    } catch (const CheckpointError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(name));
    }
  }
}

TEST(ImageDecode, RefusesWhatIsNoPicture) {
  const std::vector<std::byte> text(64, std::byte{'x'});
  EXPECT_THROW((void)decode_image(text, "notes.txt"), CheckpointError);
  EXPECT_THROW((void)decode_image({}, "empty"), CheckpointError);
}

TEST(ImageDecode, RefusesAPngThatStatesAnAbsurdSize) {
  std::vector<std::byte> bytes = bytes_of("b.png");
  for (std::size_t i = 16; i < 24; ++i) bytes[i] = std::byte{0x7F};
  EXPECT_THROW((void)decode_image(bytes, "bomb.png"), CheckpointError);
}

}  // namespace
}  // namespace cambium::media
