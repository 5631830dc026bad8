#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "media/image.h"

namespace cambium::media {

/// Largest picture that is decoded, in pixels (the bound against decompression bombs that Pillow refuses at).
inline constexpr std::int64_t kMaxPixels = 178'956'970;

/// Decodes PNG, JPEG, WebP or the first frame of a GIF to RGB, as Pillow and transformers do: transparency (alpha,
/// palette or colour key) is composed onto white, gray is repeated, 16-bit colour keeps its high byte, CMYK is
/// converted, EXIF orientation applied.
///
/// @param where  the file's name for messages
/// @throws CheckpointError  not a picture of a known kind, damaged, or larger than kMaxPixels
/// JPEG: libjpeg-turbo's slow integer DCT with smooth chroma, the defaults of Pillow; other decoders differ by a level
/// or two.
[[nodiscard]] Image decode_image(std::span<const std::byte> bytes, std::string_view where);

/// All frames in order: of a GIF (each composed over what stood before, as it is shown), else the one picture.
[[nodiscard]] std::vector<Image> decode_frames(std::span<const std::byte> bytes, std::string_view where);

/// Reads and decodes a file. @throws SystemError if it cannot be read, else as decode_image.
[[nodiscard]] Image read_image(const std::filesystem::path& file);

/// A clip: a GIF, or a folder whose picture files, sorted by name, are the frames.
[[nodiscard]] std::vector<Image> read_clip(const std::filesystem::path& file_or_folder);

}  // namespace cambium::media
