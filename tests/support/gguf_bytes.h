#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::test {

/// Writes GGUF files byte by byte, so that a test can get any of it wrong.
class GgufBytes {
 public:
  template <class T>
  GgufBytes& number(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(T));
    return *this;
  }
  GgufBytes& raw(std::string_view text) {
    for (const char c : text) bytes_.push_back(static_cast<std::byte>(c));
    return *this;
  }
  GgufBytes& text(std::string_view value) { return number(std::uint64_t{value.size()}).raw(value); }
  GgufBytes& head(std::uint64_t tensors, std::uint64_t keys, std::uint32_t version = 3) {
    return raw("GGUF").number(version).number(tensors).number(keys);
  }
  GgufBytes& key(std::string_view name, std::uint32_t type) { return text(name).number(type); }
  GgufBytes& text_key(std::string_view name, std::string_view value) { return key(name, 8).text(value); }
  GgufBytes& integer_key(std::string_view name, std::uint32_t value) { return key(name, 4).number(value); }
  GgufBytes& float_key(std::string_view name, float value) { return key(name, 6).number(value); }
  GgufBytes& texts_key(std::string_view name, const std::vector<std::string>& values) {
    key(name, 9).number(std::uint32_t{8}).number(std::uint64_t{values.size()});
    for (const std::string& value : values) text(value);
    return *this;
  }
  template <class T>
  GgufBytes& array_key(std::string_view name, std::uint32_t type, const std::vector<T>& values) {
    key(name, 9).number(type).number(std::uint64_t{values.size()});
    for (const T& value : values) number(value);
    return *this;
  }
  /// @param shape  innermost dimension first, as the file has it
  GgufBytes& tensor(std::string_view name, const std::vector<std::uint64_t>& shape, std::uint32_t type,
                    std::uint64_t offset) {
    text(name).number(static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t size : shape) number(size);
    return number(type).number(offset);
  }
  GgufBytes& pad(std::size_t alignment = 32) {
    while (bytes_.size() % alignment != 0) bytes_.push_back(std::byte{0});
    return *this;
  }
  GgufBytes& zeros(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace cambium::test
