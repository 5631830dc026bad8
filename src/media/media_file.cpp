#include "media/media_file.h"

#include <fmt/format.h>

#include <fstream>

#include "tensor/error.h"

namespace cambium::media {

std::vector<std::byte> read_media_file(const std::filesystem::path& file) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  if (error) throw SystemError(fmt::format("{}: cannot be opened: {}", file.string(), error.message()));
  if (size > kMaxMediaBytes) {
    throw SystemError(fmt::format("{}: {} bytes are too many for a picture, clip or sound (at most {})", file.string(),
                                  size, kMaxMediaBytes));
  }
  std::ifstream in(file, std::ios::binary);
  std::vector<std::byte> bytes(size);
  if (!in || !in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    throw SystemError(fmt::format("{}: cannot be read", file.string()));
  }
  return bytes;
}

}  // namespace cambium::media
