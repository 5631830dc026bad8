#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace cambium::media {

/// One channel of sound, samples in -1..1.
struct Sound {
  int sample_rate = 0;  ///< samples a second
  std::vector<float> samples;
};

/// Decodes a RIFF WAVE file: PCM of 8, 16, 24 or 32 bits, or float of 32 or 64 bits; channels are averaged.
/// @throws CheckpointError  not WAVE, an encoding other than those, or cut short
[[nodiscard]] Sound decode_wave(std::span<const std::byte> bytes, std::string_view where);
/// @throws SystemError if the file cannot be read, else as decode_wave.
[[nodiscard]] Sound read_wave(const std::filesystem::path& file);

/// The sound at another rate: windowed-sinc interpolation (Hann, 32 zero crossings a side, cut off at the lower Nyquist
/// frequency). Cost: O(samples out * taps). The same rate returns the sound as it is.
[[nodiscard]] Sound resampled(const Sound& sound, int sample_rate);

}  // namespace cambium::media
