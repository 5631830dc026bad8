#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>
#include <vector>

namespace cambium::media {

/// Log-mel features as Whisper's feature extractor makes them: padded with zeros (or cut) to a fixed length, periodic
/// Hann window, reflected at the ends, power spectrum, Slaney mel filters, log10 with floor 1e-10, at most 8 below the
/// largest, (x + 4) / 4. Source: transformers' WhisperFeatureExtractor. Values agree with it within 1e-4.
struct MelSpectrogram {
  int sample_rate = 16000;
  int mels = 80;              ///< feature_size
  int window = 400;           ///< n_fft, samples
  int hop = 160;              ///< hop_length, samples
  double chunk_seconds = 30;  ///< chunk_length

  /// From preprocessor_config.json, or the `feature_extractor` object of processor_config.json; fields left out take
  /// Whisper's values.
  [[nodiscard]] static MelSpectrogram from_config(const nlohmann::ordered_json& config, std::string_view where);

  /// Samples and frames of one chunk.
  [[nodiscard]] std::int64_t chunk_samples() const;
  [[nodiscard]] std::int64_t frames() const { return chunk_samples() / hop; }
  /// Frames that hold sound of a recording of so many samples: ceil(samples / hop), at most frames(). The others are
  /// padding.
  [[nodiscard]] std::int64_t sounding_frames(std::int64_t samples) const;

  /// @param samples  at sample_rate
  /// @return         [mels, frames()] float32, row-major
  [[nodiscard]] std::vector<float> features(std::span<const float> samples) const;
};

/// Triangular filters on Slaney's mel scale, each of unit area: [window / 2 + 1, mels] float64, row-major.
[[nodiscard]] std::vector<double> slaney_filters(int mels, int window, int sample_rate);

}  // namespace cambium::media
