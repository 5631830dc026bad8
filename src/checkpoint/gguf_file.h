#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/gguf_metadata.h"
#include "checkpoint/gguf_tensor_type.h"
#include "tensor/shape.h"

namespace cambium::checkpoint {

/// One tensor of a GGUF file: what it is and where its bytes lie.
struct GgufTensor {
  std::string name;
  const GgufTensorTypeInfo* type = nullptr;
  Shape shape;              ///< outermost dimension first (the file has them the other way round)
  std::uint64_t begin = 0;  ///< offset of the first byte from the start of the file
  std::uint64_t bytes = 0;
};

/// What the header of a GGUF file says.
struct GgufHeader {
  std::uint32_t version = 0;
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;  ///< in the file's order
};

/// Reads and checks the header of a complete GGUF file in memory (version 2 or 3, little-endian). The result points
/// into `file`.
///
/// Refused with CheckpointError (file, key or tensor, found, expected): wrong magic, version or byte order; more keys
/// or tensors than the bytes could hold; a string, array or tensor that runs past the end; arrays nested deeper than 8;
/// a value type or tensor type that does not exist; a boolean other than 0 and 1; a key or tensor name twice, empty or
/// not UTF-8; an alignment that is no power of two; more than 4 dimensions, a dimension of 0 or an overflowing product;
/// rows that are no multiple of the block; offsets that are unaligned, overlap or leave a hole; bytes behind the last
/// tensor.
/// @param where  the file's name for messages
/// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Cost: header only.
[[nodiscard]] GgufHeader parse_gguf(std::span<const std::byte> file, std::string_view where);

/// One GGUF file, mapped read-only; its header is checked completely when it is opened.
class GgufFile {
 public:
  explicit GgufFile(const std::filesystem::path& path);
  ~GgufFile();
  GgufFile(GgufFile&&) noexcept;
  GgufFile& operator=(GgufFile&&) noexcept;

  [[nodiscard]] const std::filesystem::path& path() const;
  [[nodiscard]] const GgufMetadata& metadata() const;
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const;
  /// Mapped bytes of a tensor of this file.
  [[nodiscard]] std::span<const std::byte> bytes(const GgufTensor& tensor) const;
  /// Tells the kernel that a range read once will not be needed again. Thread-safe.
  void release(std::span<const std::byte> range) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::checkpoint
