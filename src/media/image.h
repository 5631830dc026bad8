#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cambium::media {

/// An RGB picture, 8 bits a channel: pixels is [height, width, 3], row-major.
struct Image {
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<std::uint8_t> pixels;

  Image() = default;
  Image(std::int64_t h, std::int64_t w)
      : height(h), width(w), pixels(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) * 3) {}
  [[nodiscard]] std::uint8_t* row(std::int64_t y) {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3;
  }
  [[nodiscard]] const std::uint8_t* row(std::int64_t y) const {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width) * 3;
  }
};

}  // namespace cambium::media
