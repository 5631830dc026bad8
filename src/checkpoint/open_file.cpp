#include "checkpoint/open_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace cambium::checkpoint {

SystemError system_error(std::string_view could_not, const std::filesystem::path& path, int error_number) {
  return SystemError(
      fmt::format("cannot {} {}: {}", could_not, path.string(), std::generic_category().message(error_number)));
}

OpenFile::OpenFile(const std::filesystem::path& path, Mode mode) : path_(path) {
  // O_NONBLOCK: a named pipe in a model's place must not make us wait for its writer.
  const int flags = mode == Mode::kRead ? O_RDONLY | O_NONBLOCK : mode == Mode::kReadWrite ? O_RDWR : O_RDWR | O_CREAT;
  descriptor_ = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw system_error(mode == Mode::kCreate ? "create" : "open", path, errno);
}

OpenFile::~OpenFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

OpenFile& OpenFile::operator=(OpenFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

std::uint64_t OpenFile::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) throw system_error("examine", path_, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

std::size_t OpenFile::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(descriptor_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("read", path_, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

void OpenFile::write_at(std::uint64_t offset, std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw system_error("write to", path_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
}

void OpenFile::sync() const {
  while (::fdatasync(descriptor_) != 0) {
    if (errno != EINTR) throw system_error("flush", path_, errno);
  }
}

std::string read_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  const OpenFile file(path, OpenFile::Mode::kRead);
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) throw system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) throw SystemError(fmt::format("{} is not a file", path.string()));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit_bytes) {
    throw SystemError(fmt::format("{} has {} bytes, too many for a file of this kind (at most {})", path.string(), size,
                                  limit_bytes));
  }
  std::string content(size, '\0');
  content.resize(file.read_at(0, std::as_writable_bytes(std::span(content))));
  return content;
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw system_error("open folder", folder, errno);
  const int result = ::fsync(descriptor);
  const int error_number = errno;
  ::close(descriptor);
  // Some network file systems cannot sync folders and say EINVAL; they order renames themselves.
  if (result != 0 && error_number != EINVAL) throw system_error("flush folder", folder, error_number);
}

}  // namespace cambium::checkpoint
