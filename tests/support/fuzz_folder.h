#pragma once

#include <stdlib.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cambium::testing_support {

/// A folder of one fuzzing process, for parsers that read files; removed at its end.
class FuzzFolder {
 public:
  FuzzFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cambium_fuzz_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + pattern);
    path_ = pattern;
  }
  ~FuzzFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FuzzFolder(const FuzzFolder&) = delete;
  FuzzFolder& operator=(const FuzzFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  /// Replaces a file of the folder. Nothing to write: there is no such file.
  std::filesystem::path put(std::string_view name, std::string_view content) const {
    const std::filesystem::path file = path_ / name;
    if (content.empty()) {
      std::filesystem::remove(file);
    } else {
      std::ofstream(file, std::ios::binary) << content;
    }
    return file;
  }

 private:
  std::filesystem::path path_;
};

/// The input's parts between zero bytes; the last one is all that is left, missing ones are empty.
template <std::size_t kCount>
std::array<std::string_view, kCount> fuzz_parts(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string_view, kCount> parts;
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::size_t end = i + 1 == kCount ? std::string_view::npos : rest.find('\0');
    parts[i] = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return parts;
}

/// A safetensors file with this header and as many zeros behind it as its tensors could need.
inline std::string fuzz_safetensors(std::string_view header) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> (8 * i) & 0xff);
  file += header;
  const std::size_t end = header.rfind("data_offsets");
  std::size_t bytes = 0;
  if (end != std::string_view::npos) {
    const std::size_t comma = header.find(',', end);
    for (std::size_t at = comma + 1; comma != std::string_view::npos && at < header.size() && bytes < 4096; ++at) {
      if (header[at] < '0' || header[at] > '9') break;
      bytes = bytes * 10 + static_cast<std::size_t>(header[at] - '0');
    }
  }
  file.append(bytes < 4096 ? bytes : 4096, '\0');
  return file;
}

}  // namespace cambium::testing_support
