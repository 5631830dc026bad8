#include <fmt/format.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <string>

#include "media/decoders.h"
#include "media/exif_orientation.h"
#include "media/pixel_blend.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

struct ErrorState {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  bool truncated;
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* state = reinterpret_cast<ErrorState*>(jpeg->err);
  jpeg->err->format_message(jpeg, state->message);
  std::longjmp(state->jump, 1);
}

// Warnings are about damaged data; a file that ends early is an error, as in Pillow.
void on_message(j_common_ptr jpeg, int level) {
  auto* state = reinterpret_cast<ErrorState*>(jpeg->err);
  if (level >= 0) return;
  jpeg->err->format_message(jpeg, state->message);
  if (std::strstr(state->message, "Premature end") != nullptr) state->truncated = true;
}

struct Decoded {
  std::int64_t width = 0, height = 0;
  int channels = 0;
  bool adobe_inverted = false;
  std::vector<std::uint8_t> pixels;
  std::vector<std::byte> exif;
};

bool decode_into(jpeg_decompress_struct& jpeg, ErrorState& errors, std::span<const std::byte> bytes, Decoded& out,
                 std::string_view where) {
  if (setjmp(errors.jump) != 0) return false;
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&jpeg, TRUE);
  check_picture_size(jpeg.image_height, jpeg.image_width, where);
  if (jpeg.num_components == 4) {
    jpeg.out_color_space = JCS_CMYK;
    out.adobe_inverted = jpeg.saw_Adobe_marker != 0;
  } else {
    jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  }
  jpeg_start_decompress(&jpeg);
  out.width = jpeg.output_width;
  out.height = jpeg.output_height;
  out.channels = jpeg.output_components;
  const std::size_t stride = static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.channels);
  out.pixels.resize(stride * static_cast<std::size_t>(out.height));
  while (jpeg.output_scanline < jpeg.output_height) {
    JSAMPROW row = out.pixels.data() + jpeg.output_scanline * stride;
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  for (const jpeg_marker_struct* marker = jpeg.marker_list; marker != nullptr; marker = marker->next) {
    if (marker->data_length > 6 && std::memcmp(marker->data, "Exif\0\0", 6) == 0) {
      out.exif.resize(marker->data_length - 6);
      std::memcpy(out.exif.data(), marker->data + 6, out.exif.size());
      break;
    }
  }
  jpeg_finish_decompress(&jpeg);
  return true;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view where) {
  jpeg_decompress_struct jpeg{};
  ErrorState errors{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error;
  errors.manager.emit_message = on_message;
  Decoded decoded;
  bool good = false;
  try {
    good = decode_into(jpeg, errors, bytes, decoded, where);
  } catch (...) {
    jpeg_destroy_decompress(&jpeg);
    throw;
  }
  jpeg_destroy_decompress(&jpeg);
  if (!good || errors.truncated) throw CheckpointError(fmt::format("{}: damaged JPEG: {}", where, errors.message));

  Image image(decoded.height, decoded.width);
  const std::size_t count = image.pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* in = &decoded.pixels[i * static_cast<std::size_t>(decoded.channels)];
    std::uint8_t* out = &image.pixels[i * 3];
    for (int c = 0; c < 3; ++c) {
      if (decoded.channels == 4) {
        // Adobe stores inverted ink: 255 is none.
        const unsigned ink = decoded.adobe_inverted ? in[c] : 255U - in[c];
        const unsigned black = decoded.adobe_inverted ? in[3] : 255U - in[3];
        out[c] = multiply_255(ink, black);
      } else {
        out[c] = in[decoded.channels == 3 ? c : 0];
      }
    }
  }
  return oriented(std::move(image), exif_orientation(decoded.exif));
}

}  // namespace cambium::media
