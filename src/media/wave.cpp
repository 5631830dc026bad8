#include "media/wave.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numbers>
#include <optional>

#include "media/media_file.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

std::uint32_t little(std::span<const std::byte> bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i)
    value |= std::to_integer<std::uint32_t>(bytes[at + i]) << (8U * static_cast<unsigned>(i));
  return value;
}

struct Format {
  std::uint32_t encoding = 0, channels = 0, rate = 0, bits = 0;
};

constexpr std::uint32_t kPcm = 1;
constexpr std::uint32_t kFloat = 3;
constexpr std::uint32_t kExtensible = 0xFFFE;

float sample(std::span<const std::byte> data, std::size_t at, const Format& format) {
  const std::size_t bytes = format.bits / 8;
  if (format.encoding == kFloat) {
    if (bytes == 4) return std::bit_cast<float>(little(data, at, 4));
    const std::uint64_t bits = little(data, at, 4) | (static_cast<std::uint64_t>(little(data, at + 4, 4)) << 32U);
    return static_cast<float>(std::bit_cast<double>(bits));
  }
  if (bytes == 1) return (static_cast<float>(little(data, at, 1)) - 128.0F) / 128.0F;
  // Shifted to the top of 32 bits, so that the sign is where it belongs.
  const auto value = static_cast<std::int32_t>(little(data, at, bytes) << (32U - format.bits));
  return static_cast<float>(static_cast<double>(value) / 2147483648.0);
}

}  // namespace

Sound decode_wave(std::span<const std::byte> bytes, std::string_view where) {
  const auto is = [&](std::size_t at, const char* tag) { return std::memcmp(bytes.data() + at, tag, 4) == 0; };
  if (bytes.size() < 12 || !is(0, "RIFF") || !is(8, "WAVE")) {
    throw CheckpointError(fmt::format("{}: not a WAVE file (no RIFF/WAVE at its start)", where));
  }
  std::optional<Format> format;
  for (std::size_t at = 12; at + 8 <= bytes.size();) {
    const std::size_t length = little(bytes, at + 4, 4);
    const std::size_t body = at + 8;
    const std::size_t there = bytes.size() - body;
    if (is(at, "fmt ")) {
      if (length < 16 || length > there) throw CheckpointError(fmt::format("{}: its 'fmt ' chunk is cut short", where));
      format = Format{little(bytes, body, 2), little(bytes, body + 2, 2), little(bytes, body + 4, 4),
                      little(bytes, body + 14, 2)};
      if (format->encoding == kExtensible && length >= 26) format->encoding = little(bytes, body + 24, 2);
    } else if (is(at, "data")) {
      if (!format) throw CheckpointError(fmt::format("{}: its 'data' chunk stands before 'fmt '", where));
      const std::uint32_t bits = format->bits;
      const bool known = (format->encoding == kPcm && (bits == 8 || bits == 16 || bits == 24 || bits == 32)) ||
                         (format->encoding == kFloat && (bits == 32 || bits == 64));
      if (!known || format->channels == 0 || format->rate == 0 || format->rate > 10'000'000) {
        throw CheckpointError(
            fmt::format("{}: WAVE encoding {} with {} bits, {} channels, {} Hz; expected PCM of 8, 16, 24, 32 bits or "
                        "float of 32, 64 bits",
                        where, format->encoding, bits, format->channels, format->rate));
      }
      // A stream written without knowing its length states 0 or the largest number: take what is there.
      const bool unknown_length = length == 0 || length >= 0xFFFFFF00U;
      if (!unknown_length && length > there) {
        throw CheckpointError(fmt::format("{}: states {} bytes of sound but has {}: cut short", where, length, there));
      }
      const std::size_t frame = format->channels * (bits / 8);
      const std::size_t frames = (unknown_length ? there : length) / frame;
      const std::span<const std::byte> data = bytes.subspan(body);
      Sound sound{static_cast<int>(format->rate), std::vector<float>(frames)};
      for (std::size_t i = 0; i < frames; ++i) {
        double sum = 0;
        for (std::size_t c = 0; c < format->channels; ++c) sum += sample(data, i * frame + c * (bits / 8), *format);
        sound.samples[i] = static_cast<float>(sum / format->channels);
      }
      return sound;
    }
    if (length > there) break;
    at = body + length + (length & 1U);
  }
  throw CheckpointError(fmt::format("{}: a WAVE file without a 'data' chunk", where));
}

Sound read_wave(const std::filesystem::path& file) { return decode_wave(read_media_file(file), file.string()); }

Sound resampled(const Sound& sound, int sample_rate) {
  if (sound.sample_rate == sample_rate) return sound;
  constexpr double kCrossings = 32;
  const double step = static_cast<double>(sound.sample_rate) / sample_rate;
  const double cutoff = std::min(1.0, 1.0 / step);  // as a share of the input's Nyquist frequency
  const double reach = kCrossings / cutoff;
  const auto count = static_cast<std::size_t>(std::ceil(static_cast<double>(sound.samples.size()) / step));
  Sound out{sample_rate, std::vector<float>(count)};
  const auto last = static_cast<std::int64_t>(sound.samples.size()) - 1;
  for (std::size_t i = 0; i < count; ++i) {
    const double centre = static_cast<double>(i) * step;
    const auto low = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(centre - reach)));
    const auto high = std::min<std::int64_t>(last, static_cast<std::int64_t>(std::floor(centre + reach)));
    double sum = 0;
    for (std::int64_t j = low; j <= high; ++j) {
      const double x = static_cast<double>(j) - centre;
      const double angle = std::numbers::pi * x * cutoff;
      const double sinc = x == 0 ? 1 : std::sin(angle) / angle;
      const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * x / reach);
      sum += static_cast<double>(sound.samples[static_cast<std::size_t>(j)]) * sinc * window * cutoff;
    }
    out.samples[i] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace cambium::media
