#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>

#include "lab/figure.h"
#include "lab/media_exercises.h"
#include "lab/sound.h"
#include "lab/spectrogram_figure.h"
#include "media/image_decode.h"
#include "media/wave.h"
#include "tensor/error.h"

namespace cambium::lab {
namespace {

TEST(Figure, PngHoldsThePixelsThatWereDrawn) {
  Figure figure(20, 16, {10, 20, 30});
  figure.draw_shape(1, 10, 8, 4, {200, 0, 0});
  const std::string bytes = png_bytes(figure);
  const media::Image image = media::decode_image(std::as_bytes(std::span(bytes)), "figure.png");
  ASSERT_EQ(image.width, 20);
  ASSERT_EQ(image.height, 16);
  EXPECT_EQ(image.pixels, figure.pixels());
  EXPECT_EQ(figure.at(10, 8), (Rgb{200, 0, 0}));
  EXPECT_EQ(figure.at(0, 0), (Rgb{10, 20, 30}));
}

TEST(Figure, ClipsAreGifsWhoseFirstFrameReadsBack) {
  std::vector<Figure> frames(3, Figure(12, 12, {24, 24, 24}));
  for (std::size_t i = 0; i < frames.size(); ++i)
    frames[i].draw_shape(0, 2.0 + 3.0 * static_cast<double>(i), 6, 2, {235, 215, 40});
  const std::string bytes = gif_bytes(frames, 20);
  EXPECT_TRUE(bytes.starts_with("GIF89a"));
  const media::Image image = media::decode_image(std::as_bytes(std::span(bytes)), "clip.gif");
  EXPECT_EQ(image.pixels, frames[0].pixels());
  EXPECT_THROW(static_cast<void>(gif_bytes({}, 20)), ValueError);
  frames.emplace_back(13, 12, Rgb{0, 0, 0});
  EXPECT_THROW(static_cast<void>(gif_bytes(frames, 20)), ValueError);
}

TEST(Sound, WavReadsBackWithinASixteenBitStep) {
  Sound sound;
  sound.add_tone(0.1, 440, 440);
  const std::string bytes = wav_bytes(sound);
  const media::Sound read = media::decode_wave(std::as_bytes(std::span(bytes)), "tone.wav");
  EXPECT_EQ(read.sample_rate, Sound::kRate);
  ASSERT_EQ(read.samples.size(), sound.samples().size());
  for (std::size_t i = 0; i < read.samples.size(); ++i) ASSERT_NEAR(read.samples[i], sound.samples()[i], 1e-4);
}

TEST(Sound, AHighToneStandsHigherInTheSpectrogramThanALowOne) {
  const auto brightest_row = [](double hertz) {
    Sound sound;
    sound.add_tone(1.0, hertz, hertz);
    const Figure figure = spectrogram_figure(sound, 32);
    int best = 0;
    for (int row = 0; row < 32; ++row) {
      if (figure.at(16, row)[0] > figure.at(16, best)[0]) best = row;
    }
    return best;
  };
  EXPECT_LT(brightest_row(900), brightest_row(150));
}

TEST(Pictures, ATallestBarIsOneOfTheColoursShownAndEveryQuestionHasItsChoices) {
  const InventedWorld world = InventedWorld::make(2);
  Random draw(2, "test");
  for (const PictureKind& kind : picture_kinds()) {
    for (int i = 0; i < 20; ++i) {
      const Viewed<Figure> viewed = kind.make(world, 32, draw);
      EXPECT_EQ(viewed.medium.width(), 32);
      ASSERT_FALSE(viewed.questions.empty());
      for (const Exercise& question : viewed.questions) {
        ASSERT_GE(question.choices.size(), 3U) << question.question;
        EXPECT_EQ(question.choices.at(question.correct), question.answer);
      }
    }
  }
}

TEST(Clips, AFigureThatMovesRightIsFurtherRightInEachFrame) {
  Random draw(4, "clips");
  int seen = 0;
  for (int i = 0; i < 60; ++i) {
    const auto viewed = make_clip(32, 4, draw);
    if (viewed.questions[0].topic != "motion" || viewed.questions[0].answer != "right") continue;
    ++seen;
    double last = -1;
    for (const Figure& frame : viewed.medium) {
      double sum = 0, count = 0;
      for (int y = 0; y < 32; ++y) {
        for (int x = 0; x < 32; ++x) {
          if (frame.at(x, y) != Rgb{24, 24, 24}) sum += x, ++count;
        }
      }
      ASSERT_GT(count, 0);
      EXPECT_GT(sum / count, last);
      last = sum / count;
    }
  }
  EXPECT_GT(seen, 2);
}

TEST(Sounds, LastOneSecondWhateverTheyHold) {
  Random draw(4, "sounds");
  for (int i = 0; i < 30; ++i) EXPECT_EQ(make_sound(draw).medium.samples().size(), std::size_t{Sound::kRate});
}

}  // namespace
}  // namespace cambium::lab
