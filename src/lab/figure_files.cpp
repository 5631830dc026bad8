#include <fmt/format.h>
#include <gif_lib.h>
#include <png.h>

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

#include "lab/figure.h"
#include "tensor/error.h"

namespace cambium::lab {
namespace {

int append_gif(GifFileType* file, const GifByteType* bytes, int count) {
  static_cast<std::string*>(file->UserData)
      ->append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(count));
  return count;
}

void require(int outcome, const char* what, int error) {
  if (outcome == GIF_ERROR) {
    const char* words = GifErrorString(error);
    throw SystemError(fmt::format("cannot write a GIF ({}): {}", what, words != nullptr ? words : "unknown error"));
  }
}

}  // namespace

std::string png_bytes(const Figure& figure) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(figure.width());
  image.height = static_cast<png_uint_32>(figure.height());
  image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string bytes(size, '\0');
  if (png_image_write_to_memory(&image, bytes.data(), &size, 0, figure.pixels().data(), 0, nullptr) == 0) {
    throw SystemError(fmt::format("cannot write a PNG of {} x {}: {}", figure.width(), figure.height(), image.message));
  }
  bytes.resize(size);
  return bytes;
}

std::string gif_bytes(const std::vector<Figure>& frames, int delay_centiseconds) {
  if (frames.empty()) throw ValueError("a clip needs at least one frame");
  const int width = frames[0].width();
  const int height = frames[0].height();
  std::map<Rgb, std::uint8_t> colours;
  for (const Figure& frame : frames) {
    if (frame.width() != width || frame.height() != height) throw ValueError("the frames of a clip differ in size");
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (colours.try_emplace(frame.at(x, y), static_cast<std::uint8_t>(colours.size())).second &&
            colours.size() > 256) {
          throw ValueError("the frames of a clip have more than 256 colours");
        }
      }
    }
  }
  const int map_size = static_cast<int>(std::bit_ceil(std::max<std::size_t>(colours.size(), 2)));
  const std::unique_ptr<ColorMapObject, decltype(&GifFreeMapObject)> map(GifMakeMapObject(map_size, nullptr),
                                                                         GifFreeMapObject);
  if (!map) throw SystemError("cannot write a GIF: no memory for its colours");
  for (const auto& [colour, index] : colours) map->Colors[index] = {colour[0], colour[1], colour[2]};

  std::string bytes;
  int error = 0;
  GifFileType* file = EGifOpen(&bytes, append_gif, &error);
  if (file == nullptr) require(GIF_ERROR, "open", error);
  std::unique_ptr<GifFileType, void (*)(GifFileType*)> closing(file,
                                                               [](GifFileType* open) { EGifCloseFile(open, nullptr); });
  EGifSetGifVersion(file, true);
  require(EGifPutScreenDesc(file, width, height, 8, 0, map.get()), "screen", file->Error);
  std::vector<GifByteType> row(static_cast<std::size_t>(width));
  for (const Figure& frame : frames) {
    const GraphicsControlBlock control{.DisposalMode = DISPOSE_DO_NOT,
                                       .UserInputFlag = false,
                                       .DelayTime = delay_centiseconds,
                                       .TransparentColor = NO_TRANSPARENT_COLOR};
    GifByteType block[4];
    EGifGCBToExtension(&control, block);
    require(EGifPutExtension(file, GRAPHICS_EXT_FUNC_CODE, 4, block), "frame time", file->Error);
    require(EGifPutImageDesc(file, 0, 0, width, height, false, nullptr), "frame", file->Error);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) row[static_cast<std::size_t>(x)] = colours.at(frame.at(x, y));
      require(EGifPutLine(file, row.data(), width), "row", file->Error);
    }
  }
  closing.release();
  require(EGifCloseFile(file, &error), "close", error);
  return bytes;
}

}  // namespace cambium::lab
