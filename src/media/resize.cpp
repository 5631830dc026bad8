#include "media/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

namespace cambium::media {
namespace {

double support_of(Filter filter) {
  switch (filter) {
    case Filter::kBilinear:
      return 1;
    case Filter::kLanczos:
      return 3;
    default:
      return 2;
  }
}

double sinc(double x) { return x == 0 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x); }

double kernel(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::kBilinear) return std::max(0.0, 1 - x);
  if (filter == Filter::kLanczos) return x < 3 ? sinc(x) * sinc(x / 3) : 0;
  constexpr double a = -0.5;  // Catmull-Rom, as both libraries have it
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0;
}

// For each output position the first source position and its integer weights; all have `precision` fraction bits.
struct Taps {
  int precision = 22;
  std::size_t most = 0;
  std::vector<std::int64_t> first;
  std::vector<std::int64_t> count;
  std::vector<std::int32_t> weights;  // `most` an output position
};

Taps make_taps(std::int64_t in, std::int64_t out, Filter filter, Resizer resizer) {
  const double scale = static_cast<double>(in) / static_cast<double>(out);
  const double stretch = std::max(scale, 1.0);
  const double reach = support_of(filter) * stretch;
  Taps taps;
  taps.most = static_cast<std::size_t>(std::ceil(reach)) * 2 + 1;
  std::vector<double> exact(static_cast<std::size_t>(out) * taps.most);
  double largest = 0;
  for (std::int64_t i = 0; i < out; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale;
    const auto low = std::max<std::int64_t>(0, static_cast<std::int64_t>(centre - reach + 0.5));
    const auto high = std::min<std::int64_t>(in, static_cast<std::int64_t>(centre + reach + 0.5));
    double* row = &exact[static_cast<std::size_t>(i) * taps.most];
    double sum = 0;
    for (std::int64_t j = low; j < high; ++j) {
      row[j - low] = kernel(filter, (static_cast<double>(j) - centre + 0.5) / stretch);
      sum += row[j - low];
    }
    for (std::int64_t j = low; j < high; ++j) {
      row[j - low] /= sum;
      largest = std::max(largest, row[j - low]);
    }
    taps.first.push_back(low);
    taps.count.push_back(high - low);
  }
  if (resizer == Resizer::kTorchvision) {
    taps.precision = 0;
    while (taps.precision < 22 && static_cast<int>(0.5 + largest * (1 << (taps.precision + 1))) < (1 << 15))
      ++taps.precision;
  }
  taps.weights.resize(exact.size());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    taps.weights[i] = static_cast<std::int32_t>(exact[i] * (1 << taps.precision) + (exact[i] < 0 ? -0.5 : 0.5));
  }
  return taps;
}

std::uint8_t rounded(std::int32_t sum, int precision) {
  return static_cast<std::uint8_t>(std::clamp(sum >> precision, 0, 255));
}

Image horizontal(const Image& image, std::int64_t width, const Taps& taps) {
  Image out(image.height, width);
  for (std::int64_t y = 0; y < image.height; ++y) {
    const std::uint8_t* row = image.row(y);
    std::uint8_t* to = out.row(y);
    for (std::int64_t x = 0; x < width; ++x, to += 3) {
      const std::int32_t* weight = &taps.weights[static_cast<std::size_t>(x) * taps.most];
      const std::uint8_t* from = row + taps.first[static_cast<std::size_t>(x)] * 3;
      std::int32_t sum[3] = {1 << (taps.precision - 1), 1 << (taps.precision - 1), 1 << (taps.precision - 1)};
      for (std::int64_t j = 0; j < taps.count[static_cast<std::size_t>(x)]; ++j, from += 3) {
        for (int c = 0; c < 3; ++c) sum[c] += weight[j] * from[c];
      }
      for (int c = 0; c < 3; ++c) to[c] = rounded(sum[c], taps.precision);
    }
  }
  return out;
}

Image vertical(const Image& image, std::int64_t height, const Taps& taps) {
  Image out(height, image.width);
  const std::size_t stride = static_cast<std::size_t>(image.width) * 3;
  std::vector<std::int32_t> sums(stride);
  for (std::int64_t y = 0; y < height; ++y) {
    std::ranges::fill(sums, 1 << (taps.precision - 1));
    const std::int32_t* weight = &taps.weights[static_cast<std::size_t>(y) * taps.most];
    for (std::int64_t j = 0; j < taps.count[static_cast<std::size_t>(y)]; ++j) {
      const std::uint8_t* from = image.row(taps.first[static_cast<std::size_t>(y)] + j);
      for (std::size_t x = 0; x < stride; ++x) sums[x] += weight[j] * from[x];
    }
    std::uint8_t* to = out.row(y);
    for (std::size_t x = 0; x < stride; ++x) to[x] = rounded(sums[x], taps.precision);
  }
  return out;
}

Image nearest(const Image& image, std::int64_t height, std::int64_t width) {
  Image out(height, width);
  const double scale_y = static_cast<double>(image.height) / static_cast<double>(height);
  const double scale_x = static_cast<double>(image.width) / static_cast<double>(width);
  for (std::int64_t y = 0; y < height; ++y) {
    const auto from_y = std::min(image.height - 1, static_cast<std::int64_t>((static_cast<double>(y) + 0.5) * scale_y));
    for (std::int64_t x = 0; x < width; ++x) {
      const auto from_x =
          std::min(image.width - 1, static_cast<std::int64_t>((static_cast<double>(x) + 0.5) * scale_x));
      std::memcpy(out.row(y) + x * 3, image.row(from_y) + from_x * 3, 3);
    }
  }
  return out;
}

}  // namespace

Image resize(const Image& image, std::int64_t height, std::int64_t width, Filter filter, Resizer resizer) {
  if (filter == Filter::kNearest) return nearest(image, height, width);
  if (filter == Filter::kLanczos) resizer = Resizer::kPillow;
  if (image.width == width && image.height == height) return image;
  if (image.width == width) return vertical(image, height, make_taps(image.height, height, filter, resizer));
  Image wide = horizontal(image, width, make_taps(image.width, width, filter, resizer));
  if (image.height == height) return wide;
  return vertical(wide, height, make_taps(image.height, height, filter, resizer));
}

}  // namespace cambium::media
