#pragma once

#include <cstdint>

#include "media/image.h"

namespace cambium::media {

/// Filters by their number in preprocessor configs (PIL.Image.Resampling).
enum class Filter : std::uint8_t { kNearest = 0, kLanczos = 1, kBilinear = 2, kBicubic = 3 };

/// Whose integer arithmetic to follow; the two differ by a level on about one pixel in a hundred.
enum class Resizer : std::uint8_t {
  kTorchvision,  ///< int16 weights of the largest precision that fits: transformers' default where torchvision is
                 ///< installed
  kPillow,       ///< weights with 22 fraction bits
};

/// Antialiased resampling of 8-bit pictures, horizontal pass first, 8-bit values in between; a pass that changes no
/// size is skipped. Equal to torchvision 0.29 (`resize(..., antialias=True)` on uint8) or Pillow (before version 13,
/// which may swap the passes) bit for bit. Cost: O(height_out * width_in * taps + height_out * width_out * taps), taps
/// about 4 (bicubic) times the shrinking factor. Lanczos exists in Pillow only; asking kTorchvision for it falls to
/// kPillow's arithmetic.
[[nodiscard]] Image resize(const Image& image, std::int64_t height, std::int64_t width, Filter filter,
                           Resizer resizer = Resizer::kTorchvision);

}  // namespace cambium::media
