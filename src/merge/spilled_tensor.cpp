#include "merge/spilled_tensor.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include "checkpoint/open_file.h"
#include "merge/tensor_task.h"

namespace cambium::merge {
namespace {

// A file without a name, mapped for reading once it is written.
class NamelessFile {
 public:
  explicit NamelessFile(const std::filesystem::path& folder) {
    std::string path = (folder / ".spill-XXXXXX").string();
    descriptor_ = ::mkstemp(path.data());
    if (descriptor_ < 0) throw checkpoint::system_error("make a file in", folder, errno);
    ::unlink(path.c_str());
    folder_ = folder;
  }
  ~NamelessFile() {
    if (mapping_ != nullptr) ::munmap(mapping_, size_);
    ::close(descriptor_);
  }
  NamelessFile(const NamelessFile&) = delete;
  NamelessFile& operator=(const NamelessFile&) = delete;

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t done = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) throw checkpoint::system_error("write a temporary file in", folder_, errno);
      bytes = bytes.subspan(static_cast<std::size_t>(done));
      offset += static_cast<std::uint64_t>(done);
    }
  }
  std::span<const std::byte> map(std::size_t size) {
    size_ = size;
    void* const mapping = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor_, 0);
    if (mapping == MAP_FAILED) throw checkpoint::system_error("map a temporary file in", folder_, errno);
    mapping_ = mapping;
    return {static_cast<const std::byte*>(mapping), size};
  }
  void release(std::span<const std::byte> range) const {
    const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
    const auto begin = (reinterpret_cast<std::uintptr_t>(range.data()) + page - 1) / page * page;
    const auto end = (reinterpret_cast<std::uintptr_t>(range.data()) + range.size()) / page * page;
    if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }

 private:
  std::filesystem::path folder_;
  int descriptor_ = -1;
  void* mapping_ = nullptr;
  std::size_t size_ = 0;
};

class FileOutput final : public OutputTensor {
 public:
  FileOutput(NamelessFile& file, std::size_t element_bytes) : file_(file), element_bytes_(element_bytes) {}
  void write(std::size_t first, std::span<const std::byte> stored) override {
    file_.write_at(std::uint64_t{first} * element_bytes_, stored);
  }

 private:
  NamelessFile& file_;
  std::size_t element_bytes_;
};

class SpilledTensors final : public checkpoint::WeightSource {
 public:
  SpilledTensors(const VirtualMerge& merge, const std::vector<std::string>& names, const SpillPlace& place)
      : label_(merge.label()) {
    for (const std::string& name : names) {
      const checkpoint::TensorInfo& info = *merge.find(name);
      tensors_.push_back(info);
      Kept& kept = kept_[name];
      if (place.folder && info.bytes() > 0) {
        kept.file = std::make_unique<NamelessFile>(*place.folder);
        FileOutput out(*kept.file, static_cast<std::size_t>(bits_of(info.dtype)) / 8);
        merge.stream(name, out);
        kept.bytes = kept.file->map(info.bytes());
      } else {
        kept.memory.resize(info.bytes());
        merge.read(name, kept.memory);
        kept.bytes = kept.memory;
      }
    }
    std::ranges::sort(tensors_, {}, &checkpoint::TensorInfo::name);
  }

  const std::string& label() const override { return label_; }
  const std::vector<checkpoint::TensorInfo>& tensors() const override { return tensors_; }
  std::span<const std::byte> mapped(std::string_view name) const override { return kept_.find(name)->second.bytes; }
  void read(std::string_view name, std::span<std::byte> out) const override {
    std::ranges::copy(mapped(name), out.begin());
  }
  void release(std::span<const std::byte> range) const override {
    for (const auto& [name, kept] : kept_) {
      const bool inside = range.data() >= kept.bytes.data() && range.data() < kept.bytes.data() + kept.bytes.size();
      if (kept.file && inside) kept.file->release(range);
    }
  }

 private:
  struct Kept {
    std::unique_ptr<NamelessFile> file;
    std::vector<std::byte> memory;
    std::span<const std::byte> bytes;
  };
  std::string label_;
  std::vector<checkpoint::TensorInfo> tensors_;
  std::map<std::string, Kept, std::less<>> kept_;
};

}  // namespace

std::unique_ptr<const checkpoint::WeightSource> spilled(const VirtualMerge& merge,
                                                        const std::vector<std::string>& names,
                                                        const SpillPlace& place) {
  return std::make_unique<SpilledTensors>(merge, names, place);
}

}  // namespace cambium::merge
