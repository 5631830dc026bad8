#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/open_file.h"

namespace cambium::checkpoint {

void write_file_atomically(const std::filesystem::path& file, std::string_view contents) {
  // The process number keeps two writers of one file apart.
  const std::filesystem::path beside =
      file.parent_path() / fmt::format(".{}.{}.partial", file.filename().string(), ::getpid());
  try {
    const OpenFile out(beside, OpenFile::Mode::kCreate);
    if (::ftruncate(out.descriptor(), 0) != 0) throw system_error("empty", beside, errno);
    out.write_at(0, std::as_bytes(std::span(contents)));
    out.sync();
    if (std::rename(beside.c_str(), file.c_str()) != 0) throw system_error("replace", file, errno);
  } catch (...) {
    ::unlink(beside.c_str());
    throw;
  }
  const std::filesystem::path folder = file.parent_path();
  sync_folder(folder.empty() ? "." : folder);
}

}  // namespace cambium::checkpoint
