#include "tasks/text_file.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "tensor/error.h"

namespace cambium::tasks {
namespace {

// Of a file read into memory, decompressed: against gzip bombs, and names mistaken for others.
constexpr std::uint64_t kMaxTextBytes = std::uint64_t{4} << 30;

struct CloseGzip {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

[[noreturn]] void refuse_size(const std::filesystem::path& file) {
  throw SystemError(fmt::format("{}: holds more than {} bytes of text", file.string(), kMaxTextBytes));
}

}  // namespace

std::string read_text_file(const std::filesystem::path& file) {
  if (std::filesystem::is_directory(file))
    throw SystemError(fmt::format("{}: is a folder, expected a file", file.string()));
  std::error_code unknown;
  const std::uintmax_t bytes = std::filesystem::file_size(file, unknown);
  if (!unknown && bytes > kMaxTextBytes) refuse_size(file);
  errno = 0;
  const std::unique_ptr<gzFile_s, CloseGzip> in(gzopen(file.c_str(), "rb"));
  if (!in) throw SystemError(fmt::format("{}: cannot open: {}", file.string(), std::strerror(errno)));
  gzbuffer(in.get(), 1U << 18U);
  std::string text;
  std::array<char, 1UL << 16U> piece{};
  while (true) {
    const int got = gzread(in.get(), piece.data(), static_cast<unsigned>(piece.size()));
    int code = Z_OK;
    const char* reason = gzerror(in.get(), &code);
    if (got < 0 || code == Z_BUF_ERROR) {
      throw SystemError(
          fmt::format("{}: cannot read: {}", file.string(), code == Z_ERRNO ? std::strerror(errno) : reason));
    }
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > kMaxTextBytes) refuse_size(file);
  }
}

}  // namespace cambium::tasks
