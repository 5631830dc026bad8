#include "checkpoint/gguf_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
struct GgufFile::Impl {
  std::filesystem::path path;
  void* address = MAP_FAILED;
  std::size_t bytes = 0;
  GgufHeader header;

  ~Impl() {
    if (address != MAP_FAILED) ::munmap(address, bytes);
  }
  [[nodiscard]] std::span<const std::byte> mapped() const {
    return {bytes == 0 ? nullptr : static_cast<const std::byte*>(address), bytes};
  }
};

GgufFile::GgufFile(const std::filesystem::path& path) : impl_(std::make_unique<Impl>()) {
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
  impl_->header = parse_gguf(impl_->mapped(), path.string());
}

GgufFile::~GgufFile() = default;
GgufFile::GgufFile(GgufFile&&) noexcept = default;
GgufFile& GgufFile::operator=(GgufFile&&) noexcept = default;

const std::filesystem::path& GgufFile::path() const { return impl_->path; }
const GgufMetadata& GgufFile::metadata() const { return impl_->header.metadata; }
const std::vector<GgufTensor>& GgufFile::tensors() const { return impl_->header.tensors; }

std::span<const std::byte> GgufFile::bytes(const GgufTensor& tensor) const {
  return impl_->mapped().subspan(tensor.begin, tensor.bytes);
}

void GgufFile::release(std::span<const std::byte> range) const {
  if (range.empty()) return;
  // Rounded outwards: a neighbour's page that goes with it is only mapped again from the page cache.
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(range.data()) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(range.data() + range.size());
  ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace cambium::checkpoint
