#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cambium::testing_support {

/// 8 bytes of length (of `header`, or as told) and a header, as a safetensors file begins with them.
inline std::string header_bytes(std::string_view header, std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(length >> (8 * i) & 0xff));
  return bytes.append(header);
}

/// A whole file: header and `data_bytes` bytes of '<'.
inline std::string safetensors_text(std::string_view header, std::size_t data_bytes) {
  return header_bytes(header, header.size()) + std::string(data_bytes, '<');
}

}  // namespace cambium::testing_support
