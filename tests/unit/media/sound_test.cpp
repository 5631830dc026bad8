#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "media/mel_spectrogram.h"
#include "media/wave.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

std::filesystem::path golden(const std::string& name) {
  return std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/media" / name;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

// Two frames of two channels, 16 bits: (16384, -16384) and (32767, 1).
std::string stereo_wave() {
  using namespace std::string_literals;
  return "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x80\x3e\0\0\0\xfa\0\0\x04\0\x10\0data\x08\0\0\0"s +
         "\0\x40\0\xc0\xff\x7f\x01\0"s;
}

TEST(Wave, AveragesChannelsIntoMinusOneToOne) {
  const Sound sound = decode_wave(bytes_of(stereo_wave()), "stereo.wav");
  EXPECT_EQ(sound.sample_rate, 16000);
  EXPECT_THAT(sound.samples, testing::ElementsAre(0.0F, testing::FloatEq(0.5F)));
}

TEST(Wave, RefusesFilesCutShortAtEveryByte) {
  const std::string whole = stereo_wave();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_THROW((void)decode_wave(bytes_of(whole.substr(0, length)), "cut.wav"), CheckpointError) << length;
  }
}

// Tolerance 1e-4 of the fixture: transformers computes the transform in float32.
TEST(MelSpectrogram, EqualsWhispersFeatures) {
  const Sound sound = read_wave(golden("tone.wav"));
  const MelSpectrogram mel;
  const std::vector<float> made = mel.features(sound.samples);
  std::ifstream in(golden("tone.mel80.f32"), std::ios::binary | std::ios::ate);
  std::vector<float> want(static_cast<std::size_t>(in.tellg()) / 4);
  in.seekg(0);
  in.read(reinterpret_cast<char*>(want.data()), static_cast<std::streamsize>(want.size() * 4));
  const std::size_t columns = want.size() / 80;
  ASSERT_EQ(made.size(), 80U * 3000U);
  float worst = 0;
  for (std::size_t m = 0; m < 80; ++m) {
    for (std::size_t t = 0; t < columns; ++t)
      worst = std::max(worst, std::abs(made[m * 3000 + t] - want[m * columns + t]));
  }
  EXPECT_LE(worst, 1e-4F);
}

TEST(Resampled, KeepsAToneAtItsPitch) {
  Sound sound{8000, std::vector<float>(8000)};
  for (std::size_t i = 0; i < sound.samples.size(); ++i) {
    sound.samples[i] = static_cast<float>(std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 8000));
  }
  const Sound made = resampled(sound, 16000);
  ASSERT_EQ(made.samples.size(), 16000U);
  for (std::size_t i = 1000; i < 15000; i += 37) {
    EXPECT_NEAR(made.samples[i], std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16000), 1e-3) << i;
  }
}

}  // namespace
}  // namespace cambium::media
