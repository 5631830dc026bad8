#include "lab/figure.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lab/random.h"

namespace cambium::lab {
namespace {

// Five columns of seven dots, the lowest bit on top.
const std::map<char, std::array<std::uint8_t, 5>>& face() {
  static const std::map<char, std::array<std::uint8_t, 5>> kFace{
      {'0', {0x3e, 0x51, 0x49, 0x45, 0x3e}}, {'1', {0x00, 0x42, 0x7f, 0x40, 0x00}},
      {'2', {0x62, 0x51, 0x49, 0x49, 0x46}}, {'3', {0x22, 0x41, 0x49, 0x49, 0x36}},
      {'4', {0x18, 0x14, 0x12, 0x7f, 0x10}}, {'5', {0x2f, 0x49, 0x49, 0x49, 0x31}},
      {'6', {0x3e, 0x49, 0x49, 0x49, 0x32}}, {'7', {0x01, 0x71, 0x09, 0x05, 0x03}},
      {'8', {0x36, 0x49, 0x49, 0x49, 0x36}}, {'9', {0x26, 0x49, 0x49, 0x49, 0x3e}},
      {'A', {0x7e, 0x09, 0x09, 0x09, 0x7e}}, {'B', {0x7f, 0x49, 0x49, 0x49, 0x36}},
      {'C', {0x3e, 0x41, 0x41, 0x41, 0x22}}, {'E', {0x7f, 0x49, 0x49, 0x41, 0x41}},
      {'F', {0x7f, 0x09, 0x09, 0x01, 0x01}}, {'H', {0x7f, 0x08, 0x08, 0x08, 0x7f}},
      {'K', {0x7f, 0x08, 0x14, 0x22, 0x41}}, {'L', {0x7f, 0x40, 0x40, 0x40, 0x40}},
      {'M', {0x7f, 0x02, 0x0c, 0x02, 0x7f}}, {'T', {0x01, 0x01, 0x7f, 0x01, 0x01}},
      {'X', {0x63, 0x14, 0x08, 0x14, 0x63}}, {'Z', {0x61, 0x51, 0x49, 0x45, 0x43}},
  };
  return kFace;
}

bool inside(std::size_t shape, double dx, double dy, double radius) {
  const double far = std::hypot(dx, dy);
  switch (shape) {
    case 0:
      return far <= radius;
    case 1:
      return std::max(std::abs(dx), std::abs(dy)) <= 0.85 * radius;
    case 2:
      return dy <= 0.8 * radius && dy >= -radius + 1.8 * std::abs(dx);
    case 3:
      return (std::abs(dx) <= 0.3 * radius && std::abs(dy) <= radius) ||
             (std::abs(dy) <= 0.3 * radius && std::abs(dx) <= radius);
    case 4:
      return far <= radius && far >= 0.55 * radius;
    default:
      return std::abs(dx) + std::abs(dy) <= radius;
  }
}

}  // namespace

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> kNames{"circle", "square", "triangle", "cross", "ring", "diamond"};
  return kNames;
}

const std::vector<std::string>& colour_names() {
  static const std::vector<std::string> kNames{"red", "green", "blue", "yellow", "purple", "white"};
  return kNames;
}

Rgb colour_of(std::size_t index) {
  static constexpr std::array<Rgb, 6> kColours{
      {{220, 40, 40}, {40, 180, 60}, {50, 80, 230}, {235, 215, 40}, {170, 60, 190}, {245, 245, 245}}};
  return kColours.at(index);
}

Figure::Figure(int width, int height, Rgb ground)
    : width_(width), height_(height), pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3) {
  for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = ground[i % 3];
}

Rgb Figure::at(int x, int y) const {
  const std::size_t place =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x));
  return {pixels_.at(place), pixels_.at(place + 1), pixels_.at(place + 2)};
}

void Figure::set(int x, int y, Rgb colour) {
  if (x < 0 || y < 0 || x >= width_ || y >= height_) return;
  const std::size_t place =
      3 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x));
  std::ranges::copy(colour, pixels_.begin() + static_cast<std::ptrdiff_t>(place));
}

void Figure::draw_shape(std::size_t shape, double x, double y, double radius, Rgb colour) {
  const int reach = static_cast<int>(std::ceil(radius));
  const int centre_x = static_cast<int>(std::lround(x));
  const int centre_y = static_cast<int>(std::lround(y));
  for (int dy = -reach; dy <= reach; ++dy) {
    for (int dx = -reach; dx <= reach; ++dx) {
      if (inside(shape, dx, dy, radius)) set(centre_x + dx, centre_y + dy, colour);
    }
  }
}

void Figure::draw_rectangle(int left, int top, int right, int bottom, Rgb colour) {
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) set(x, y, colour);
  }
}

void Figure::draw_text(int left, int top, int scale, std::string_view text, Rgb colour) {
  for (const char c : text) {
    if (const auto glyph = face().find(c); glyph != face().end()) {
      for (int column = 0; column < 5; ++column) {
        for (int row = 0; row < 7; ++row) {
          if ((glyph->second[static_cast<std::size_t>(column)] >> row & 1) == 0) continue;
          const int x = left + column * scale;
          const int y = top + row * scale;
          draw_rectangle(x, y, x + scale, y + scale, colour);
        }
      }
    }
    left += 6 * scale;
  }
}

void Figure::add_noise(double deviation, Random& draw) {
  for (std::uint8_t& value : pixels_) {
    value = static_cast<std::uint8_t>(std::clamp(std::lround(value + deviation * draw.normal()), 0L, 255L));
  }
}

}  // namespace cambium::lab
