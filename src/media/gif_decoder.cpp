#include <fmt/format.h>
#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "media/decoders.h"
#include "tensor/error.h"

namespace cambium::media {
namespace {

struct Source {
  std::span<const std::byte> bytes;
  std::size_t at = 0;
};

int read_bytes(GifFileType* gif, GifByteType* out, int count) {
  auto* source = static_cast<Source*>(gif->UserData);
  const std::size_t have = std::min(static_cast<std::size_t>(count), source->bytes.size() - source->at);
  std::memcpy(out, source->bytes.data() + source->at, have);
  source->at += have;
  return static_cast<int>(have);
}

void close(GifFileType* gif) { DGifCloseFile(gif, nullptr); }

// Draws one frame onto the canvas; transparent indices leave what stands there.
void draw(const GifFileType& gif, const SavedImage& frame, int transparent, Image& canvas) {
  const ColorMapObject* colours = frame.ImageDesc.ColorMap != nullptr ? frame.ImageDesc.ColorMap : gif.SColorMap;
  if (colours == nullptr) return;
  const int bottom = std::min<int>(frame.ImageDesc.Top + frame.ImageDesc.Height, gif.SHeight);
  const int right = std::min<int>(frame.ImageDesc.Left + frame.ImageDesc.Width, gif.SWidth);
  for (int y = frame.ImageDesc.Top; y < bottom; ++y) {
    const GifByteType* in =
        frame.RasterBits + static_cast<std::ptrdiff_t>(y - frame.ImageDesc.Top) * frame.ImageDesc.Width;
    std::uint8_t* out = canvas.row(y) + static_cast<std::ptrdiff_t>(frame.ImageDesc.Left) * 3;
    for (int x = frame.ImageDesc.Left; x < right; ++x, ++in, out += 3) {
      if (*in == transparent || *in >= colours->ColorCount) continue;
      const GifColorType& colour = colours->Colors[*in];
      out[0] = colour.Red, out[1] = colour.Green, out[2] = colour.Blue;
    }
  }
}

void clear(const SavedImage& frame, Image& canvas) {
  const auto bottom = std::min<std::int64_t>(frame.ImageDesc.Top + frame.ImageDesc.Height, canvas.height);
  const auto right = std::min<std::int64_t>(frame.ImageDesc.Left + frame.ImageDesc.Width, canvas.width);
  for (std::int64_t y = frame.ImageDesc.Top; y < bottom; ++y) {
    if (right > frame.ImageDesc.Left) {
      std::fill(canvas.row(y) + static_cast<std::ptrdiff_t>(frame.ImageDesc.Left) * 3, canvas.row(y) + right * 3,
                std::uint8_t{255});
    }
  }
}

}  // namespace

std::vector<Image> decode_gif(std::span<const std::byte> bytes, std::string_view where) {
  constexpr std::int64_t kMaxFramePixels = 4 * 178'956'970LL;
  Source source{bytes, 0};
  int code = 0;
  const std::unique_ptr<GifFileType, decltype(&close)> gif(DGifOpen(&source, read_bytes, &code), close);
  if (!gif) throw CheckpointError(fmt::format("{}: damaged GIF: {}", where, GifErrorString(code)));
  check_picture_size(gif->SHeight, gif->SWidth, where);
  if (DGifSlurp(gif.get()) != GIF_OK || gif->ImageCount < 1) {
    const char* reason = gif->Error != 0 ? GifErrorString(gif->Error) : "no frame";
    throw CheckpointError(fmt::format("{}: damaged GIF: {}", where, reason != nullptr ? reason : "unknown reason"));
  }
  if (static_cast<std::int64_t>(gif->ImageCount) * gif->SWidth * gif->SHeight > kMaxFramePixels) {
    throw CheckpointError(fmt::format("{}: {} frames of {} x {} pixels are too many to hold", where, gif->ImageCount,
                                      gif->SWidth, gif->SHeight));
  }
  Image canvas(gif->SHeight, gif->SWidth);
  std::ranges::fill(canvas.pixels, std::uint8_t{255});
  std::vector<Image> frames;
  for (int i = 0; i < gif->ImageCount; ++i) {
    const SavedImage& frame = gif->SavedImages[i];
    GraphicsControlBlock control{DISPOSAL_UNSPECIFIED, false, 0, NO_TRANSPARENT_COLOR};
    DGifSavedExtensionToGCB(gif.get(), i, &control);
    const Image before = control.DisposalMode == DISPOSE_PREVIOUS ? canvas : Image();
    draw(*gif, frame, control.TransparentColor, canvas);
    frames.push_back(canvas);
    if (control.DisposalMode == DISPOSE_PREVIOUS) canvas = before;
    if (control.DisposalMode == DISPOSE_BACKGROUND) clear(frame, canvas);
  }
  return frames;
}

}  // namespace cambium::media
