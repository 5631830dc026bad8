// RowFiles of training_row.h: where each row of a source begins and ends.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "checkpoint/open_file.h"
#include "tensor/error.h"
#include "tune/training_row.h"

namespace cambium::tune {

namespace {

namespace fs = std::filesystem;

class MappedFile {
 public:
  explicit MappedFile(const fs::path& path) : path_(path) {
    const checkpoint::OpenFile file(path, checkpoint::OpenFile::Mode::kRead);
    size_ = file.size();
    if (size_ == 0) return;
    data_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.descriptor(), 0);
    if (data_ == MAP_FAILED) throw checkpoint::system_error("cannot map", path, errno);
  }
  ~MappedFile() {
    if (size_ > 0) munmap(data_, size_);
  }
  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)), data_(other.data_), size_(std::exchange(other.size_, 0)) {}
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(data_), size_}; }

 private:
  fs::path path_;
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

std::vector<fs::path> files_of(const std::string& pattern, const std::string& source) {
  if (pattern.find_first_of("*?") == std::string::npos) {
    if (!fs::is_regular_file(pattern)) {
      throw RecipeError(fmt::format("source '{}': {} is no file", source, pattern));
    }
    return {pattern};
  }
  const fs::path path(pattern);
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::vector<fs::path> files;
  if (fs::is_directory(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && fnmatch(path.filename().c_str(), name.c_str(), FNM_PERIOD) == 0) {
        files.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(files);
  if (files.empty()) throw RecipeError(fmt::format("source '{}': no file fits {}", source, pattern));
  return files;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

struct RowFiles::Impl {
  struct Row {
    std::uint64_t begin = 0;
    std::uint32_t length = 0, file = 0;
  };
  std::vector<MappedFile> files;
  std::vector<bool> plain;
  std::vector<std::size_t> first_row;  // of each file
  std::vector<Row> rows;

  void add(std::size_t file, std::size_t begin, std::size_t end) {
    if (end - begin > UINT32_MAX) {
      throw CheckpointError(fmt::format("{}: row {} is longer than 4 GiB", files[file].path().string(),
                                        rows.size() - first_row[file] + 1));
    }
    rows.push_back({begin, static_cast<std::uint32_t>(end - begin), static_cast<std::uint32_t>(file)});
  }

  void index_lines(std::size_t file) {
    const std::string_view text = files[file].text();
    std::size_t begin = 0;
    while (begin < text.size()) {
      std::size_t end = text.find('\n', begin);
      if (end == std::string_view::npos) end = text.size();
      std::size_t first = begin;
      while (first < end && is_blank(text[first])) ++first;
      if (first < end) add(file, first, end);
      begin = end + 1;
    }
  }

  // The values of a JSON list, by brackets and strings alone; each is parsed when it is read.
  void index_list(std::size_t file, std::size_t open) {
    const std::string_view text = files[file].text();
    int depth = 0;
    bool in_string = false;
    std::size_t begin = std::string_view::npos, last = 0;
    for (std::size_t i = open + 1; i < text.size(); ++i) {
      const char c = text[i];
      if (in_string) {
        if (c == '\\') {
          ++i;
        } else if (c == '"') {
          in_string = false;
        }
        last = i;
        continue;
      }
      if (depth == 0 && (c == ',' || c == ']')) {
        if (begin != std::string_view::npos) add(file, begin, last + 1);
        begin = std::string_view::npos;
        if (c == ']') return;
        continue;
      }
      if (is_blank(c)) continue;
      if (begin == std::string_view::npos) begin = i;
      last = i;
      if (c == '"') in_string = true;
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
    }
    throw CheckpointError(fmt::format("{}: the JSON list that begins the file has no end; the file is cut short",
                                      files[file].path().string()));
  }
};

RowFiles::RowFiles(const std::vector<std::string>& patterns, const std::string& source)
    : impl_(std::make_unique<Impl>()) {
  for (const std::string& pattern : patterns) {
    for (const fs::path& path : files_of(pattern, source)) {
      const std::size_t file = impl_->files.size();
      impl_->files.emplace_back(path);
      impl_->first_row.push_back(impl_->rows.size());
      impl_->plain.push_back(path.extension() == ".txt" || path.extension() == ".md");
      const std::string_view text = impl_->files.back().text();
      const std::size_t first = text.find_first_not_of(" \t\r\n");
      if (first == std::string_view::npos) continue;
      if (impl_->plain.back()) {
        impl_->add(file, 0, text.size());
      } else if (text[first] == '[') {
        impl_->index_list(file, first);
      } else {
        impl_->index_lines(file);
      }
    }
  }
  if (impl_->rows.empty()) {
    throw RecipeError(fmt::format("source '{}': {} {} no rows", source, fmt::join(patterns, ", "),
                                  patterns.size() == 1 ? "has" : "have"));
  }
}

RowFiles::~RowFiles() = default;
RowFiles::RowFiles(RowFiles&&) noexcept = default;

std::size_t RowFiles::size() const { return impl_->rows.size(); }

std::string_view RowFiles::row(std::size_t index) const {
  const Impl::Row& row = impl_->rows[index];
  return impl_->files[row.file].text().substr(row.begin, row.length);
}

std::string RowFiles::where(std::size_t index) const {
  const std::uint32_t file = impl_->rows[index].file;
  return fmt::format("{}: row {}", impl_->files[file].path().string(), index - impl_->first_row[file] + 1);
}

std::filesystem::path RowFiles::folder(std::size_t index) const {
  return impl_->files[impl_->rows[index].file].path().parent_path();
}

bool RowFiles::plain_text(std::size_t index) const { return impl_->plain[impl_->rows[index].file]; }

}  // namespace cambium::tune
