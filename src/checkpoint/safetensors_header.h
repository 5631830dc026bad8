#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"

namespace cambium::checkpoint {

/// The header of a safetensors file, checked completely.
struct SafetensorsHeader {
  std::vector<StoredTensor> tensors;  ///< in the order of their bytes
  std::map<std::string, std::string> metadata;
};

/// Largest header that is accepted, as in the safetensors library.
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;

/// Parses and checks the header at the start of a file.
/// @param start       the first bytes of the file: at least the header, or all there is
/// @param file_bytes  size of the whole file
/// @param where       the file's name for messages
/// @throws CheckpointError  everything that SafetensorsFile refuses
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view start, std::uint64_t file_bytes,
                                                         std::string_view where);

/// Text of a header as a file begins with it: 8 bytes of length, JSON with {"format": "pt"}, blanks up to a multiple of
/// 8 bytes.
/// @param tensors  in the order of their bytes; `begin` counts from the first byte behind the header
[[nodiscard]] std::string safetensors_header_text(const std::vector<StoredTensor>& tensors);

}  // namespace cambium::checkpoint
