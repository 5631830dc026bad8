#include "checkpoint/text_file.h"

#include <fmt/format.h>

#include <fstream>

#include "checkpoint/foreign_text.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

// What a shell's <(command) gives: its size is known at its end.
std::string read_pipe(const std::filesystem::path& file, std::uint64_t limit_bytes) {
  std::ifstream in(file, std::ios::binary);
  std::string text(limit_bytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > limit_bytes) {
    throw SystemError(
        fmt::format("{} gives more than {} bytes, too many for a text of this kind", file.string(), limit_bytes));
  }
  return text;
}

}  // namespace

std::string read_text(const std::filesystem::path& file, std::uint64_t limit_bytes) {
  std::string text = std::filesystem::is_fifo(file) ? read_pipe(file, limit_bytes) : read_file(file, limit_bytes);
  if (!is_utf8(text)) throw CheckpointError(fmt::format("{}: not a text in UTF-8", file.string()));
  return text;
}

}  // namespace cambium::checkpoint
