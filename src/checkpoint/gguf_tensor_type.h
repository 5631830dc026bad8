#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cambium::checkpoint {

/// How the values of a GGUF tensor are encoded, numbered as in the file. The quantised ones come in blocks of values
/// that share scales; a block never crosses a row.
enum class GgufTensorType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2K = 10,
  kQ3K = 11,
  kQ4K = 12,
  kQ5K = 13,
  kQ6K = 14,
  kF64 = 28,
  kBF16 = 30,
};

struct GgufTensorTypeInfo {
  std::uint32_t id;
  std::string_view name;       ///< as llama.cpp spells it: "Q4_K"
  std::uint32_t block_values;  ///< values in a block (1 for plain types)
  std::uint32_t block_bytes;
  bool readable;  ///< dequantize_gguf knows it; the others are known by size only
};

/// Every type of the format that is in use. Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
[[nodiscard]] std::span<const GgufTensorTypeInfo> gguf_tensor_types();
/// The type with that number, or null.
[[nodiscard]] const GgufTensorTypeInfo* find_gguf_tensor_type(std::uint32_t id);

}  // namespace cambium::checkpoint
