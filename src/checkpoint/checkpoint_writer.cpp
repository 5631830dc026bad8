#include "checkpoint/checkpoint_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>

#include "checkpoint/journal.h"
#include "checkpoint/json.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {

namespace fs = std::filesystem;

namespace {

// From this size on a write is passed on to the disk at once, so that the last sync() has little left to do.
constexpr std::size_t kStartWritebackBytes = std::size_t{1} << 20;

fs::path normal(const fs::path& folder) {
  fs::path path = fs::absolute(folder).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

fs::path nearest_existing(fs::path path) {
  while (!fs::exists(path) && path != path.parent_path()) path = path.parent_path();
  return path;
}

void check_space(const fs::path& folder, std::uint64_t needed) {
  const fs::path existing = nearest_existing(folder);
  struct statvfs space {};
  if (::statvfs(existing.c_str(), &space) != 0) throw system_error("examine the file system of", existing, errno);
  const std::uint64_t available = static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize;
  if (available < needed) {
    throw SystemError(fmt::format(
        "{}: the output needs {} bytes ({:.1f} GB), but only {} bytes ({:.1f} GB) are free there", folder.string(),
        needed, static_cast<double>(needed) / 1e9, available, static_cast<double>(available) / 1e9));
  }
}

// Reserves the blocks of a new file, so that the disk cannot fill up half-way. Where the file system cannot (some
// network ones), the file only gets its size. glibc's posix_fallocate would write a byte to each block then, over what
// other processes write.
void allocate(const OpenFile& file, const fs::path& path, std::uint64_t bytes) {
  int result = 0;
  do {
    result = ::fallocate(file.descriptor(), 0, 0, static_cast<off_t>(bytes));
  } while (result != 0 && errno == EINTR);
  if (result == 0) return;
  if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) {
    throw SystemError(fmt::format("{}: no room for a file of {} bytes ({:.1f} GB): {}", path.string(), bytes,
                                  static_cast<double>(bytes) / 1e9, std::generic_category().message(errno)));
  }
  if (::ftruncate(file.descriptor(), static_cast<off_t>(bytes)) != 0) throw system_error("resize", path, errno);
}

// A header whose writing was cut short by a kill, or has not begun: right up to some byte, zeros from there.
bool is_begun(std::string_view found, std::string_view header) {
  const auto differ = std::ranges::mismatch(found, header);
  return differ.in1 != found.end() && std::all_of(differ.in1, found.end(), [](char c) { return c == '\0'; });
}

}  // namespace

struct CheckpointWriter::Impl {
  fs::path final_folder;
  fs::path working;
  OutputLayout layout;
  std::vector<OpenFile> files;
  std::vector<fs::path> made;  // folders this writer made, outermost first

  void check_final() const;
  bool enter(Start start);
  void open_files(bool joining);
  void open_file(std::size_t shard, bool joining);
  void remove_made() const noexcept;
  [[nodiscard]] std::string index_text() const;
};

void CheckpointWriter::Impl::check_final() const {
  if (!fs::exists(fs::symlink_status(final_folder))) return;
  if (fs::is_directory(final_folder) && fs::is_empty(final_folder)) return;
  throw SystemError(
      fmt::format("{} exists already; choose another output folder, or remove it", final_folder.string()));
}

// Makes the working folder, or finds it; true if there was one.
bool CheckpointWriter::Impl::enter(Start start) {
  const bool there = fs::exists(working);
  if (there && start == Start::kFresh) {
    throw SystemError(
        fmt::format("{} is left from a run that did not finish; go on with it by --resume, or remove that folder",
                    working.string()));
  }
  if (there) return true;
  check_space(working, layout.total_bytes);
  for (fs::path parent = working.parent_path(); !fs::exists(parent); parent = parent.parent_path()) {
    made.insert(made.begin(), parent);
  }
  fs::create_directories(working.parent_path());
  const bool fresh = fs::create_directory(working);
  if (!fresh && start == Start::kFresh) {
    throw SystemError(fmt::format("{} was just made by another process", working.string()));
  }
  if (fresh) made.push_back(working);
  return !fresh;
}

void CheckpointWriter::Impl::open_files(bool joining) {
  files.reserve(layout.shard_files.size());
  for (std::size_t shard = 0; shard < layout.shard_files.size(); ++shard) open_file(shard, joining);
  sync_folder(working);
}

void CheckpointWriter::Impl::open_file(std::size_t shard, bool joining) {
  const fs::path path = working / layout.shard_files[shard];
  const std::string& header = layout.shard_headers[shard];
  const std::uint64_t bytes = layout.shard_file_bytes[shard];
  const OpenFile& file = files.emplace_back(path, OpenFile::Mode::kCreate);
  const std::uint64_t found_bytes = file.size();
  if (joining && found_bytes != 0) {
    std::string found(header.size(), '\0');
    file.read_at(0, std::as_writable_bytes(std::span(found)));
    const bool whole = found == header && found_bytes == bytes;
    if (!whole && !(is_begun(found, header) && found_bytes <= bytes)) {
      throw CheckpointError(fmt::format(
          "{} is not the file that this run would write ({} bytes found, {} expected{}): the recipe, its inputs or its "
          "options "
          "changed; remove the folder {} and start again",
          path.string(), found_bytes, bytes, found_bytes == bytes ? ", other tensors" : "", working.string()));
    }
    if (whole) return;
  }
  if (found_bytes != bytes) allocate(file, path, bytes);
  // Last, so that a complete header means a complete file.
  file.write_at(0, std::as_bytes(std::span(header)));
}

void CheckpointWriter::Impl::remove_made() const noexcept {
  std::error_code ignored;
  if (!made.empty() && made.back() == working) fs::remove_all(working, ignored);
  // The folders above were empty before; what others put there meanwhile stays.
  for (auto folder = made.rbegin(); folder != made.rend(); ++folder) fs::remove(*folder, ignored);
}

std::string CheckpointWriter::Impl::index_text() const {
  std::map<std::string_view, std::string_view> files_of;
  std::uint64_t parameters = 0;
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    files_of.emplace(layout.tensors[i].name, layout.shard_files[layout.places[i].shard]);
    parameters += numel(layout.tensors[i].shape);
  }
  Json index;
  index["metadata"] = {{"total_parameters", parameters}, {"total_size", layout.total_bytes}};
  auto& map =
      static_cast<Json::object_t::Container&>((index["weight_map"] = Json::object()).get_ref<Json::object_t&>());
  for (const auto& [tensor, file] : files_of) map.emplace_back(std::string(tensor), std::string(file));
  return index.dump(2) + "\n";
}

CheckpointWriter::CheckpointWriter(const fs::path& folder, OutputLayout layout, Start start)
    : impl_(std::make_unique<Impl>()) {
  try {
    impl_->final_folder = normal(folder);
    impl_->working = partial_folder(folder);
    impl_->layout = std::move(layout);
    impl_->check_final();
    impl_->open_files(impl_->enter(start));
  } catch (const fs::filesystem_error& error) {
    impl_->remove_made();
    throw SystemError(fmt::format("cannot make the output folder {}: {}", folder.string(), error.code().message()));
  } catch (...) {
    impl_->remove_made();
    throw;
  }
}

CheckpointWriter::~CheckpointWriter() = default;

fs::path CheckpointWriter::partial_folder(const fs::path& folder) {
  const fs::path path = normal(folder);
  return path.parent_path() / fmt::format(".{}.partial", path.filename().string());
}

const OutputLayout& CheckpointWriter::layout() const { return impl_->layout; }

const fs::path& CheckpointWriter::working_folder() const { return impl_->working; }

void CheckpointWriter::write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes) {
  const OutputPlace& place = impl_->layout.places.at(tensor);
  assert(offset + bytes.size() <= impl_->layout.tensors[tensor].bytes());
  const OpenFile& file = impl_->files[place.shard];
  const std::uint64_t begin = place.begin + offset;
  try {
    file.write_at(begin, bytes);
  } catch (const SystemError& error) {
    throw SystemError(fmt::format("{} (tensor {})", error.what(), impl_->layout.tensors[tensor].name));
  }
  if (bytes.size() >= kStartWritebackBytes) {
    ::sync_file_range(file.descriptor(), static_cast<off_t>(begin), static_cast<off_t>(bytes.size()),
                      SYNC_FILE_RANGE_WRITE);
  }
}

void CheckpointWriter::sync() {
  for (const OpenFile& file : impl_->files) file.sync();
}

void CheckpointWriter::write_file(std::string_view name, std::string_view contents) {
  const fs::path path = impl_->working / name;
  std::error_code failed;
  fs::create_directories(path.parent_path(), failed);
  if (failed) throw system_error("create folder", path.parent_path(), failed.value());
  const OpenFile file(path, OpenFile::Mode::kCreate);
  if (::ftruncate(file.descriptor(), 0) != 0) throw system_error("empty", path, errno);
  file.write_at(0, std::as_bytes(std::span(contents)));
  file.sync();
}

void CheckpointWriter::copy_file(const fs::path& source, std::string_view name) { write_file(name, read_file(source)); }

void CheckpointWriter::finish() {
  Impl& impl = *impl_;
  try {
    if (impl.layout.shard_files.size() > 1) write_file("model.safetensors.index.json", impl.index_text());
    sync();
    std::vector<fs::path> journals;
    for (const auto& entry : fs::directory_iterator(impl.working)) {
      if (entry.path().filename().string().starts_with(Journal::kFilePrefix)) journals.push_back(entry.path());
    }
    for (const fs::path& journal : journals) fs::remove(journal);
    sync_folder(impl.working);
    impl.check_final();
    if (std::rename(impl.working.c_str(), impl.final_folder.c_str()) != 0) {
      throw system_error(fmt::format("rename {} to", impl.working.string()), impl.final_folder, errno);
    }
    sync_folder(impl.final_folder.parent_path());
  } catch (const fs::filesystem_error& error) {
    throw SystemError(
        fmt::format("cannot finish the output folder {}: {}", impl.final_folder.string(), error.code().message()));
  }
}

void CheckpointWriter::discard() {
  impl_->files.clear();
  std::error_code failed;
  fs::remove_all(impl_->working, failed);
  if (failed) throw system_error("remove", impl_->working, failed.value());
  impl_->remove_made();
}

}  // namespace cambium::checkpoint
