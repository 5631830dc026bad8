#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <string>

#include "media/decoders.h"
#include "media/exif_orientation.h"
#include "media/pixel_blend.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

struct PngSource {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
  std::string message;
};

void read_bytes(png_structp png, png_bytep out, png_size_t count) {
  auto* source = static_cast<PngSource*>(png_get_io_ptr(png));
  if (count > source->bytes.size() - source->at) png_error(png, "the file ends early");
  std::memcpy(out, source->bytes.data() + source->at, count);
  source->at += count;
}

void on_error(png_structp png, png_const_charp message) {
  static_cast<PngSource*>(png_get_error_ptr(png))->message = message;
  longjmp(png_jmpbuf(png), 1);
}

void on_warning(png_structp, png_const_charp) {}

// Everything libpng may long-jump over lives outside of the frame that calls setjmp.
struct DecodedPng {
  png_uint_32 width = 0, height = 0;
  int channels = 0;
  bool wide_gray = false;  // 16-bit gray is kept at 16 bits: Pillow clips it to 255 instead of taking the high byte
  std::vector<std::uint8_t> pixels;
  std::vector<png_bytep> rows;
  std::vector<std::byte> exif;
};

bool decode_into(png_structp png, png_infop info, DecodedPng& out, std::string_view where) {
  if (setjmp(png_jmpbuf(png)) != 0) return false;
  png_read_info(png, info);
  out.width = png_get_image_width(png, info);
  out.height = png_get_image_height(png, info);
  check_picture_size(out.height, out.width, where);
  const bool gray = png_get_color_type(png, info) == PNG_COLOR_TYPE_GRAY;
  const bool keyed = png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  out.wide_gray = gray && png_get_bit_depth(png, info) == 16 && !keyed;
  if (!out.wide_gray) png_set_strip_16(png);
  png_set_expand(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  out.channels = png_get_channels(png, info);
  const std::size_t stride = png_get_rowbytes(png, info);
  out.pixels.resize(stride * out.height);
  out.rows.resize(out.height);
  for (std::size_t y = 0; y < out.height; ++y) out.rows[y] = out.pixels.data() + y * stride;
  png_read_image(png, out.rows.data());
  png_read_end(png, info);
  png_bytep exif = nullptr;
  png_uint_32 exif_bytes = 0;
  if (png_get_eXIf_1(png, info, &exif_bytes, &exif) != 0) {
    out.exif.resize(exif_bytes);
    std::memcpy(out.exif.data(), exif, exif_bytes);
  }
  return true;
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view where) {
  PngSource source{bytes, 0, {}};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, on_error, on_warning);
  png_infop info = png_create_info_struct(png);
  png_set_read_fn(png, &source, read_bytes);
  DecodedPng decoded;
  bool good = false;
  try {
    good = decode_into(png, info, decoded, where);
  } catch (...) {
    png_destroy_read_struct(&png, &info, nullptr);
    throw;
  }
  png_destroy_read_struct(&png, &info, nullptr);
  if (!good) throw CheckpointError(fmt::format("{}: damaged PNG: {}", where, source.message));

  Image image(decoded.height, decoded.width);
  const std::size_t count = static_cast<std::size_t>(decoded.width) * decoded.height;
  std::uint8_t* out = image.pixels.data();
  for (std::size_t i = 0; i < count; ++i, out += 3) {
    if (decoded.wide_gray) {
      const std::uint8_t* value = &decoded.pixels[i * 2];
      out[0] = out[1] = out[2] = value[0] != 0 ? 255 : value[1];
      continue;
    }
    const std::uint8_t* in = &decoded.pixels[i * static_cast<std::size_t>(decoded.channels)];
    const bool colour = decoded.channels >= 3;
    const bool alpha = decoded.channels == 2 || decoded.channels == 4;
    for (int c = 0; c < 3; ++c) {
      const std::uint8_t value = in[colour ? c : 0];
      out[c] = alpha ? over_white(value, in[decoded.channels - 1]) : value;
    }
  }
  return oriented(std::move(image), exif_orientation(decoded.exif));
}

}  // namespace cambium::media
