#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cambium::lab {

class Random;

/// Mono sound being put together, at 16 kHz as speech towers take it.
class Sound {
 public:
  static constexpr int kRate = 16'000;
  [[nodiscard]] const std::vector<float>& samples() const { return samples_; }
  void add_silence(double seconds);
  /// A tone with two overtones whose pitch glides from `hertz` to `end_hertz`; its ends are faded over 10 ms.
  void add_tone(double seconds, double hertz, double end_hertz, double loudness = 0.5);
  void add_noise(double deviation, Random& draw);

 private:
  std::vector<float> samples_;
};

/// The bytes of a WAV file of 16-bit samples.
[[nodiscard]] std::string wav_bytes(const Sound& sound);

}  // namespace cambium::lab
