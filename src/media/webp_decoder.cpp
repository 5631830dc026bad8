#include <fmt/format.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "media/decoders.h"
#include "media/exif_orientation.h"
#include "media/pixel_blend.h"
#include "tensor/error.h"

namespace cambium::media {

Image decode_webp(std::span<const std::byte> bytes, std::string_view where) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const WebPData whole{data, bytes.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&whole), WebPDemuxDelete);
  if (!demuxer) throw CheckpointError(fmt::format("{}: damaged WebP: no complete container", where));
  WebPIterator frame{};
  if (WebPDemuxGetFrame(demuxer.get(), 1, &frame) == 0)
    throw CheckpointError(fmt::format("{}: damaged WebP: no frame", where));
  check_picture_size(frame.height, frame.width, where);
  int width = 0;
  int height = 0;
  const std::unique_ptr<std::uint8_t, decltype(&WebPFree)> rgba(
      WebPDecodeRGBA(frame.fragment.bytes, frame.fragment.size, &width, &height), WebPFree);
  WebPDemuxReleaseIterator(&frame);
  if (!rgba) throw CheckpointError(fmt::format("{}: damaged WebP: the first frame does not decode", where));
  Image image(height, width);
  const std::size_t count = image.pixels.size() / 3;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* in = rgba.get() + i * 4;
    for (int c = 0; c < 3; ++c) image.pixels[i * 3 + static_cast<std::size_t>(c)] = over_white(in[c], in[3]);
  }
  int orientation = 1;
  WebPChunkIterator chunk{};
  if (WebPDemuxGetChunk(demuxer.get(), "EXIF", 1, &chunk) != 0) {
    std::span<const std::byte> exif(reinterpret_cast<const std::byte*>(chunk.chunk.bytes), chunk.chunk.size);
    orientation = exif_orientation(exif);
    WebPDemuxReleaseChunkIterator(&chunk);
  }
  return oriented(std::move(image), orientation);
}

}  // namespace cambium::media
