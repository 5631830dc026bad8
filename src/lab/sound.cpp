#include "lab/sound.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lab/random.h"

namespace cambium::lab {

void Sound::add_silence(double seconds) {
  samples_.resize(samples_.size() + static_cast<std::size_t>(std::lround(seconds * kRate)), 0.0F);
}

void Sound::add_tone(double seconds, double hertz, double end_hertz, double loudness) {
  const auto count = static_cast<std::size_t>(std::lround(seconds * kRate));
  const double fade = 0.01 * kRate;
  double phase = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double at = static_cast<double>(i);
    const double share = at / static_cast<double>(count);
    phase += 2 * std::numbers::pi * hertz * std::pow(end_hertz / hertz, share) / kRate;
    const double edge = std::min({1.0, at / fade, (static_cast<double>(count) - at) / fade});
    const double wave = std::sin(phase) + 0.3 * std::sin(2 * phase) + 0.1 * std::sin(3 * phase);
    samples_.push_back(static_cast<float>(loudness * edge * wave / 1.4));
  }
}

void Sound::add_noise(double deviation, Random& draw) {
  for (float& value : samples_) value += static_cast<float>(deviation * draw.normal());
}

std::string wav_bytes(const Sound& sound) {
  std::string bytes;
  const auto put = [&bytes](std::uint32_t value, int size) {
    for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i) & 0xff));
  };
  const auto data_bytes = static_cast<std::uint32_t>(2 * sound.samples().size());
  bytes += "RIFF";
  put(36 + data_bytes, 4);
  bytes += "WAVEfmt ";
  put(16, 4);
  put(1, 2);  // PCM
  put(1, 2);  // one channel
  put(Sound::kRate, 4);
  put(2 * Sound::kRate, 4);
  put(2, 2);
  put(16, 2);
  bytes += "data";
  put(data_bytes, 4);
  for (const float value : sound.samples()) {
    const long scaled = std::clamp(std::lround(32767.0F * value), -32768L, 32767L);
    put(static_cast<std::uint16_t>(scaled), 2);
  }
  return bytes;
}

}  // namespace cambium::lab
