#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace cambium::checkpoint {

/// 128 bits that name a content; not cryptographic (it finds damage and mix-ups, not forgery).
struct ContentHash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const ContentHash&) const = default;
};
/// 32 hexadecimal digits, high half first.
[[nodiscard]] std::string to_string(const ContentHash& hash);
[[nodiscard]] std::optional<ContentHash> content_hash_from_string(std::string_view digits);

/// XXH3-128 of any bytes: of a plan, a recipe, a file.
[[nodiscard]] ContentHash hash_bytes(std::span<const std::byte> bytes);
[[nodiscard]] ContentHash hash_text(std::string_view text);

/// Hash of a tensor's type, shape and stored bytes, taken block by block so that threads can share a tensor:
/// XXH3-128 of the text "BF16[4096, 11008]\n" followed by the XXH3-128 (16 bytes, big-endian) of each block of 1 MiB
/// (the last one shorter).
class TensorHasher {
 public:
  static constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
  TensorHasher(DType dtype, const Shape& shape);
  /// Bytes at `offset` (a multiple of kBlockBytes) of the tensor: whole blocks, the last of the tensor excepted.
  /// Any order; from any thread for different blocks. Cost: memory bound.
  void add(std::uint64_t offset, std::span<const std::byte> bytes);
  /// @pre every block was added
  [[nodiscard]] ContentHash finish() const;

 private:
  std::string head_;
  std::uint64_t bytes_ = 0;
  std::vector<ContentHash> blocks_;
};
[[nodiscard]] ContentHash hash_tensor(DType dtype, const Shape& shape, std::span<const std::byte> stored);

}  // namespace cambium::checkpoint
