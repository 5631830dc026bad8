#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "media/image.h"

namespace cambium::media {

// One decoder a format, each over its library; image_decode.h is the door to use. All throw CheckpointError on damaged
// bytes.
[[nodiscard]] Image decode_png(std::span<const std::byte> bytes, std::string_view where);
[[nodiscard]] Image decode_jpeg(std::span<const std::byte> bytes, std::string_view where);
[[nodiscard]] Image decode_webp(std::span<const std::byte> bytes, std::string_view where);
/// Every frame as it is shown; at least one.
[[nodiscard]] std::vector<Image> decode_gif(std::span<const std::byte> bytes, std::string_view where);

/// @throws CheckpointError  a side below 1 or more than kMaxPixels in all
void check_picture_size(std::int64_t height, std::int64_t width, std::string_view where);

}  // namespace cambium::media
