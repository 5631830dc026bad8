#include "media/mel_spectrogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <nlohmann/json.hpp>
#include <numbers>

#include "tensor/error.h"

namespace cambium::media {
namespace {

// A discrete Fourier transform of one size, any factors: splits off the smallest prime factor again and again.
class Fourier {
 public:
  explicit Fourier(int size) : size_(size) {
    for (int i = 0; i < size; ++i) {
      const double angle = -2 * std::numbers::pi * i / size;
      roots_.emplace_back(std::cos(angle), std::sin(angle));
    }
  }

  // in: `size` values; out: the same number of coefficients.
  void transform(const std::complex<double>* in, std::complex<double>* out) { step(in, out, size_, 1); }

 private:
  void step(const std::complex<double>* in, std::complex<double>* out, int count, int stride) {
    if (count == 1) {
      out[0] = in[0];
      return;
    }
    int factor = 2;
    while (count % factor != 0) ++factor;
    const int part = count / factor;
    for (int i = 0; i < factor; ++i)
      step(in + static_cast<std::ptrdiff_t>(i) * stride, out + static_cast<std::ptrdiff_t>(i) * part, part,
           stride * factor);
    std::vector<std::complex<double>> terms(static_cast<std::size_t>(factor));
    for (int k = 0; k < part; ++k) {
      for (int i = 0; i < factor; ++i) terms[static_cast<std::size_t>(i)] = out[i * part + k];
      for (int q = 0; q < factor; ++q) {
        std::complex<double> sum = 0;
        for (int i = 0; i < factor; ++i) {
          const auto turn = static_cast<std::int64_t>(i) * (k + q * part) * stride;
          sum += terms[static_cast<std::size_t>(i)] * roots_[static_cast<std::size_t>(turn % size_)];
        }
        out[q * part + k] = sum;
      }
    }
  }

  int size_;
  std::vector<std::complex<double>> roots_;
};

double mel_of(double hertz) {
  return hertz >= 1000 ? 15 + std::log(hertz / 1000) * (27 / std::log(6.4)) : 3 * hertz / 200;
}

double hertz_of(double mel) { return mel >= 15 ? 1000 * std::exp(std::log(6.4) / 27 * (mel - 15)) : 200 * mel / 3; }

int whole(const nlohmann::ordered_json& config, const char* key, int fallback, std::string_view where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return fallback;
  if (!found->is_number_integer() || found->get<std::int64_t>() < 1 || found->get<std::int64_t>() > 1'000'000) {
    throw CheckpointError(
        fmt::format("{}: '{}' is {}, expected a whole number from 1 to 1000000", where, key, found->dump()));
  }
  return found->get<int>();
}

}  // namespace

std::vector<double> slaney_filters(int mels, int window, int sample_rate) {
  const std::size_t bins = static_cast<std::size_t>(window) / 2 + 1;
  std::vector<double> corners(static_cast<std::size_t>(mels) + 2);
  const double top = mel_of(sample_rate / 2.0);
  for (std::size_t i = 0; i < corners.size(); ++i)
    corners[i] = hertz_of(top * static_cast<double>(i) / static_cast<double>(mels + 1));
  std::vector<double> filters(bins * static_cast<std::size_t>(mels));
  for (std::size_t b = 0; b < bins; ++b) {
    const double hertz = static_cast<double>(b) * sample_rate / 2.0 / static_cast<double>(bins - 1);
    for (std::size_t m = 0; m < static_cast<std::size_t>(mels); ++m) {
      const double rise = (hertz - corners[m]) / (corners[m + 1] - corners[m]);
      const double fall = (corners[m + 2] - hertz) / (corners[m + 2] - corners[m + 1]);
      filters[b * static_cast<std::size_t>(mels) + m] =
          std::max(0.0, std::min(rise, fall)) * 2.0 / (corners[m + 2] - corners[m]);
    }
  }
  return filters;
}

MelSpectrogram MelSpectrogram::from_config(const nlohmann::ordered_json& config, std::string_view where) {
  MelSpectrogram out;
  out.sample_rate = whole(config, "sampling_rate", out.sample_rate, where);
  out.mels = whole(config, "feature_size", out.mels, where);
  out.window = whole(config, "n_fft", out.window, where);
  out.hop = whole(config, "hop_length", out.hop, where);
  out.chunk_seconds = whole(config, "chunk_length", 30, where);
  if (out.chunk_samples() / out.hop > 100'000 || out.window > 65'536 || out.mels > 1024) {
    throw CheckpointError(fmt::format("{}: {} mels, n_fft {}, {} frames a chunk is more than any audio tower takes",
                                      where, out.mels, out.window, out.chunk_samples() / out.hop));
  }
  return out;
}

std::int64_t MelSpectrogram::chunk_samples() const { return static_cast<std::int64_t>(chunk_seconds * sample_rate); }

std::int64_t MelSpectrogram::sounding_frames(std::int64_t samples) const {
  return std::min(frames(), (samples + hop - 1) / hop);
}

std::vector<float> MelSpectrogram::features(std::span<const float> samples) const {
  const std::int64_t length = chunk_samples();
  const std::int64_t used = std::min<std::int64_t>(length, static_cast<std::int64_t>(samples.size()));
  const std::int64_t half = window / 2;
  const auto bins = static_cast<std::size_t>(half) + 1;
  const auto columns = static_cast<std::size_t>(frames());
  const auto rows = static_cast<std::size_t>(mels);
  const auto at = [&](std::int64_t i) -> double {
    if (i < 0) i = -i;
    if (i >= length) i = 2 * (length - 1) - i;
    return i >= 0 && i < used ? static_cast<double>(samples[static_cast<std::size_t>(i)]) : 0.0;
  };
  std::vector<double> hann(static_cast<std::size_t>(window));
  for (std::size_t i = 0; i < hann.size(); ++i)
    hann[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / window);
  const std::vector<double> filters = slaney_filters(mels, window, sample_rate);
  Fourier fourier(window);
  std::vector<std::complex<double>> in(hann.size());
  std::vector<std::complex<double>> spectrum(hann.size());
  constexpr double kFloor = 1e-10;
  std::vector<double> logs(rows * columns, std::log10(kFloor));
  double largest = std::log10(kFloor);
  for (std::size_t frame = 0; frame < columns; ++frame) {
    const std::int64_t begin = static_cast<std::int64_t>(frame) * hop - half;
    if (begin >= used && begin + window <= length) continue;  // silence: stays at the floor
    for (std::size_t i = 0; i < in.size(); ++i) in[i] = at(begin + static_cast<std::int64_t>(i)) * hann[i];
    fourier.transform(in.data(), spectrum.data());
    for (std::size_t m = 0; m < rows; ++m) {
      double energy = 0;
      for (std::size_t b = 0; b < bins; ++b) energy += std::norm(spectrum[b]) * filters[b * rows + m];
      const double value = std::log10(std::max(energy, kFloor));
      logs[m * columns + frame] = value;
      largest = std::max(largest, value);
    }
  }
  std::vector<float> out(logs.size());
  for (std::size_t i = 0; i < logs.size(); ++i) out[i] = static_cast<float>((std::max(logs[i], largest - 8) + 4) / 4);
  return out;
}

}  // namespace cambium::media
