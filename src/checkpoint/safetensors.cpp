#include "checkpoint/safetensors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>

#include "checkpoint/open_file.h"
#include "checkpoint/safetensors_header.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

struct SafetensorsFile::Impl {
  std::filesystem::path path;
  void* address = MAP_FAILED;
  std::size_t bytes = 0;
  SafetensorsHeader header;

  ~Impl() {
    if (address != MAP_FAILED) ::munmap(address, bytes);
  }
};

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  const OpenFile file(path, OpenFile::Mode::kRead);
  struct stat status {};
  if (::fstat(file.descriptor(), &status) != 0) throw system_error("examine", path, errno);
  if (!S_ISREG(status.st_mode)) throw CheckpointError(fmt::format("{} is not a file", path.string()));
  impl_->bytes = static_cast<std::size_t>(status.st_size);
  if (impl_->bytes > 0) {
    impl_->address = ::mmap(nullptr, impl_->bytes, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (impl_->address == MAP_FAILED) throw system_error("map", path, errno);
  }
  const std::string_view all(impl_->bytes > 0 ? static_cast<const char*>(impl_->address) : "", impl_->bytes);
  impl_->header = parse_safetensors_header(all, impl_->bytes, path.string());
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;
SafetensorsFile& SafetensorsFile::operator=(SafetensorsFile&&) noexcept = default;

const std::filesystem::path& SafetensorsFile::path() const { return impl_->path; }

const std::vector<StoredTensor>& SafetensorsFile::tensors() const { return impl_->header.tensors; }

const std::map<std::string, std::string>& SafetensorsFile::metadata() const { return impl_->header.metadata; }

std::span<const std::byte> SafetensorsFile::bytes(const StoredTensor& tensor) const {
  assert(tensor.begin + tensor.bytes() <= impl_->bytes);
  return {static_cast<const std::byte*>(impl_->address) + tensor.begin, tensor.bytes()};
}

void SafetensorsFile::release(std::span<const std::byte> range) const {
  const auto* const file = static_cast<const std::byte*>(impl_->address);
  if (range.empty() || range.data() < file || range.data() + range.size() > file + impl_->bytes) return;
  // Rounded outwards: a neighbour's page that goes with it is only mapped again from the page cache. The kernel maps
  // pages in windows around the one touched, also those before it that were given back already: they go with the range
  // behind them.
  constexpr std::size_t kWindow = std::size_t{64} << 10U;
  const std::size_t first = static_cast<std::size_t>(range.data() - file);
  const std::size_t begin = first / kWindow * kWindow;
  ::madvise(static_cast<std::byte*>(impl_->address) + begin, first + range.size() - begin, MADV_DONTNEED);
}

}  // namespace cambium::checkpoint
