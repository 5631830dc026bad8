#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/weight_source.h"

namespace cambium::checkpoint {

/// One tensor of a safetensors file: where its bytes lie.
struct StoredTensor : TensorInfo {
  std::uint64_t begin = 0;  ///< offset of the first byte from the start of the file
};

/// One safetensors file, mapped read-only. The header is checked completely when it is opened.
///
/// Refused with CheckpointError (file, tensor, found, expected): file shorter than 8 bytes; header length past the end
/// of the file or over 100 MB; header not UTF-8, not JSON, nested deep, not an object, or with a key twice; entry
/// without dtype / shape / data_offsets or with others' types; unknown dtype; negative or overflowing dimension;
/// offsets reversed, past the end, not matching dtype x shape; tensors that overlap or leave a hole; bytes behind the
/// last tensor. Source: https://github.com/huggingface/safetensors (format). Cost: header only, no tensor byte is
/// touched.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  /// In the order of their bytes in the file.
  [[nodiscard]] const std::vector<StoredTensor>& tensors() const;
  /// The `__metadata__` entry.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const;
  /// Mapped bytes of a tensor of this file.
  [[nodiscard]] std::span<const std::byte> bytes(const StoredTensor& tensor) const;
  /// Tells the kernel that a range read once will not be needed again (memory stays bounded on huge files).
  /// Thread-safe.
  void release(std::span<const std::byte> range) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::checkpoint
