// Arbitrary bytes as a picture, a clip and a sound: each is decoded or refused with an Error.
#include <cstddef>
#include <cstdint>
#include <span>

#include "media/image_decode.h"
#include "media/wave.h"
#include "tensor/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    (void)cambium::media::decode_frames(bytes, "fuzz");
  } catch (const cambium::Error&) {
  }
  try {
    (void)cambium::media::decode_wave(bytes, "fuzz");
  } catch (const cambium::Error&) {
  }
  return 0;
}
