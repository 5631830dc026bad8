#include "lab/spectrogram_figure.h"

#include <algorithm>
#include <cmath>

#include "media/mel_spectrogram.h"

namespace cambium::lab {

Figure spectrogram_figure(const Sound& sound, int size) {
  const media::MelSpectrogram mel{
      .sample_rate = Sound::kRate, .mels = size, .window = 1024, .hop = Sound::kRate / size, .chunk_seconds = 1};
  const std::vector<float> values = mel.features(sound.samples());
  const auto frames = static_cast<std::size_t>(mel.frames());
  const auto [low, high] = std::ranges::minmax(values);
  const float span = std::max(high - low, 1e-6F);
  Figure figure(size, size, {0, 0, 0});
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < size; ++column) {
      const std::size_t frame = std::min(static_cast<std::size_t>(column), frames - 1);
      const float value = values[static_cast<std::size_t>(row) * frames + frame];
      const auto shade = static_cast<std::uint8_t>(std::lround(255 * (value - low) / span));
      figure.draw_rectangle(column, size - 1 - row, column + 1, size - row, {shade, shade, shade});
    }
  }
  return figure;
}

}  // namespace cambium::lab
