#include "media/exif_orientation.h"

#include <cstring>

namespace cambium::media {
namespace {

struct Reader {
  std::span<const std::byte> bytes;
  bool big_endian;

  [[nodiscard]] unsigned at(std::size_t offset, std::size_t count) const {
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const auto byte = std::to_integer<unsigned>(bytes[offset + i]);
      value |= byte << (8U * static_cast<unsigned>(big_endian ? count - 1 - i : i));
    }
    return value;
  }
};

}  // namespace

int exif_orientation(std::span<const std::byte> exif) {
  constexpr std::size_t kEntryBytes = 12;
  if (exif.size() >= 6 && std::memcmp(exif.data(), "Exif\0\0", 6) == 0) exif = exif.subspan(6);
  if (exif.size() < 8) return 1;
  const bool big = exif[0] == std::byte{'M'} && exif[1] == std::byte{'M'};
  const bool little = exif[0] == std::byte{'I'} && exif[1] == std::byte{'I'};
  if (!big && !little) return 1;
  const Reader reader{exif, big};
  const std::size_t directory = reader.at(4, 4);
  if (directory > exif.size() - 2) return 1;
  const std::size_t entries = reader.at(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > exif.size()) return 1;
    if (reader.at(entry, 2) == 0x0112) {
      const unsigned value = reader.at(entry + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

Image oriented(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) return image;
  const bool swap = orientation >= 5;
  Image out(swap ? image.width : image.height, swap ? image.height : image.width);
  for (std::int64_t y = 0; y < out.height; ++y) {
    std::uint8_t* to = out.row(y);
    for (std::int64_t x = 0; x < out.width; ++x, to += 3) {
      std::int64_t from_y = swap ? x : y;
      std::int64_t from_x = swap ? y : x;
      const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
      const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
      if (flip_x) from_x = image.width - 1 - from_x;
      if (flip_y) from_y = image.height - 1 - from_y;
      std::memcpy(to, image.row(from_y) + from_x * 3, 3);
    }
  }
  return out;
}

}  // namespace cambium::media
