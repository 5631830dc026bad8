#include "media/image_decode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "media/decoders.h"
#include "media/media_file.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

bool begins_with(std::span<const std::byte> bytes, std::string_view magic, std::size_t at = 0) {
  return bytes.size() >= at + magic.size() && std::memcmp(bytes.data() + at, magic.data(), magic.size()) == 0;
}

bool is_picture_name(const std::filesystem::path& file) {
  std::string extension = file.extension().string();
  std::ranges::transform(extension, extension.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg" || extension == ".webp";
}

}  // namespace

void check_picture_size(std::int64_t height, std::int64_t width, std::string_view where) {
  if (height < 1 || width < 1 || height > kMaxPixels / width) {
    throw CheckpointError(
        fmt::format("{}: the picture is {} x {} pixels, expected 1 to {} in all", where, width, height, kMaxPixels));
  }
}

std::vector<Image> decode_frames(std::span<const std::byte> bytes, std::string_view where) {
  if (begins_with(bytes, "GIF8")) return decode_gif(bytes, where);
  std::vector<Image> one;
  one.push_back(decode_image(bytes, where));
  return one;
}

Image decode_image(std::span<const std::byte> bytes, std::string_view where) {
  if (begins_with(bytes, "\x89PNG\r\n\x1a\n")) return decode_png(bytes, where);
  if (begins_with(bytes, "\xff\xd8\xff")) return decode_jpeg(bytes, where);
  if (begins_with(bytes, "RIFF") && begins_with(bytes, "WEBP", 8)) return decode_webp(bytes, where);
  if (begins_with(bytes, "GIF8")) return std::move(decode_gif(bytes, where).front());
  throw CheckpointError(
      fmt::format("{}: not a picture Cambium reads (PNG, JPEG, WebP or GIF by its first bytes)", where));
}

Image read_image(const std::filesystem::path& file) { return decode_image(read_media_file(file), file.string()); }

std::vector<Image> read_clip(const std::filesystem::path& file_or_folder) {
  if (!std::filesystem::is_directory(file_or_folder))
    return decode_frames(read_media_file(file_or_folder), file_or_folder.string());
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(file_or_folder)) {
    if (is_picture_name(entry.path())) files.push_back(entry.path());
  }
  if (files.empty()) {
    throw CheckpointError(
        fmt::format("{}: no frames; expected .png, .jpg or .webp files, taken in the order of their names",
                    file_or_folder.string()));
  }
  std::ranges::sort(files);
  std::vector<Image> frames;
  for (const auto& file : files) {
    frames.push_back(read_image(file));
    if (frames.back().height != frames.front().height || frames.back().width != frames.front().width) {
      throw CheckpointError(fmt::format("{}: {} x {} pixels, expected {} x {} as in the first frame {}", file.string(),
                                        frames.back().width, frames.back().height, frames.front().width,
                                        frames.front().height, files.front().string()));
    }
  }
  return frames;
}

}  // namespace cambium::media
