#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::lab {

using Rgb = std::array<std::uint8_t, 3>;

[[nodiscard]] const std::vector<std::string>& shape_names();   ///< circle, square, triangle, cross, ring, diamond
[[nodiscard]] const std::vector<std::string>& colour_names();  ///< red, green, blue, yellow, purple, white
[[nodiscard]] Rgb colour_of(std::size_t index);

/// A small picture drawn on: [height, width, 3], row-major.
class Figure {
 public:
  Figure(int width, int height, Rgb ground);
  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] const std::vector<std::uint8_t>& pixels() const { return pixels_; }
  [[nodiscard]] Rgb at(int x, int y) const;

  /// Shape number `shape` of shape_names() around (x, y); what lies outside the picture is cut.
  void draw_shape(std::size_t shape, double x, double y, double radius, Rgb colour);
  void draw_rectangle(int left, int top, int right, int bottom, Rgb colour);
  /// Digits and capital letters in a 5 x 7 face, each dot `scale` pixels wide; others leave a gap.
  void draw_text(int left, int top, int scale, std::string_view text, Rgb colour);
  /// Adds noise of this standard deviation (in units of 0-255), so that no two pictures are alike.
  void add_noise(double deviation, class Random& draw);

 private:
  void set(int x, int y, Rgb colour);
  int width_, height_;
  std::vector<std::uint8_t> pixels_;
};

/// The bytes of a PNG file. @throws SystemError  libpng refuses
[[nodiscard]] std::string png_bytes(const Figure& figure);

/// The bytes of an animated GIF, one frame each `delay_centiseconds`, of at most 256 colours in all.
/// @throws ValueError  no frames, frames of different sizes, or too many colours; SystemError  giflib refuses
[[nodiscard]] std::string gif_bytes(const std::vector<Figure>& frames, int delay_centiseconds);

}  // namespace cambium::lab
