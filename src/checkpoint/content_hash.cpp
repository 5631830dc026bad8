#include "checkpoint/content_hash.h"

#include <fmt/format.h>
#include <xxhash.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h>  // the same hashes with the widest vectors of the machine
#endif

#include <algorithm>
#include <cassert>
#include <charconv>

namespace cambium::checkpoint {

namespace {

std::uint64_t tensor_bytes(DType dtype, const Shape& shape) {
  return (static_cast<std::uint64_t>(numel(shape)) * static_cast<std::uint64_t>(bits_of(dtype)) + 7) / 8;
}

void append_big_endian(std::string& text, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) text.push_back(static_cast<char>(value >> shift & 0xff));
}

}  // namespace

std::string to_string(const ContentHash& hash) { return fmt::format("{:016x}{:016x}", hash.high, hash.low); }

std::optional<ContentHash> content_hash_from_string(std::string_view digits) {
  ContentHash hash;
  if (digits.size() != 32) return std::nullopt;
  const char* const begin = digits.data();
  const auto high = std::from_chars(begin, begin + 16, hash.high, 16);
  const auto low = std::from_chars(begin + 16, begin + 32, hash.low, 16);
  if (high.ptr != begin + 16 || low.ptr != begin + 32) return std::nullopt;
  return hash;
}

ContentHash hash_bytes(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {.high = hash.high64, .low = hash.low64};
}

ContentHash hash_text(std::string_view text) { return hash_bytes(std::as_bytes(std::span(text))); }

TensorHasher::TensorHasher(DType dtype, const Shape& shape)
    : head_(fmt::format("{}{}\n", name_of(dtype), cambium::to_string(shape))),
      bytes_(tensor_bytes(dtype, shape)),
      blocks_((bytes_ + kBlockBytes - 1) / kBlockBytes) {}

void TensorHasher::add(std::uint64_t offset, std::span<const std::byte> bytes) {
  assert(offset % kBlockBytes == 0 && offset + bytes.size() <= bytes_);
  assert(bytes.size() % kBlockBytes == 0 || offset + bytes.size() == bytes_);
  for (std::size_t block = offset / kBlockBytes; !bytes.empty(); ++block) {
    const std::size_t size = std::min(kBlockBytes, bytes.size());
    blocks_[block] = hash_bytes(bytes.first(size));
    bytes = bytes.subspan(size);
  }
}

ContentHash TensorHasher::finish() const {
  std::string text = head_;
  text.reserve(text.size() + blocks_.size() * 16);
  for (const ContentHash& block : blocks_) {
    append_big_endian(text, block.high);
    append_big_endian(text, block.low);
  }
  return hash_text(text);
}

ContentHash hash_tensor(DType dtype, const Shape& shape, std::span<const std::byte> stored) {
  TensorHasher hasher(dtype, shape);
  hasher.add(0, stored);
  return hasher.finish();
}

}  // namespace cambium::checkpoint
