#pragma once

#include <cstddef>
#include <span>

#include "media/image.h"

namespace cambium::media {

/// The orientation tag (0x0112, 1 to 8) of an EXIF block, or 1 if there is none or the block is damaged.
/// @param exif  from the TIFF header ("II" or "MM") on, optionally behind "Exif\0\0"
[[nodiscard]] int exif_orientation(std::span<const std::byte> exif);

/// The picture turned and mirrored to how it should be seen. @param orientation  1 to 8, others count as 1
[[nodiscard]] Image oriented(Image image, int orientation);

}  // namespace cambium::media
