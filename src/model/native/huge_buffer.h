#pragma once

#include <cstddef>
#include <span>

namespace cambium::model {

/// Zeroed memory on huge pages where the system has them, 64-byte aligned (2 MiB for large ones): weights that are
/// streamed again and again should not cost a page walk every 4 KiB.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  /// @throws std::bad_alloc
  explicit HugeBuffer(std::size_t bytes);
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;

  [[nodiscard]] std::byte* data() { return data_; }
  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::byte* mapping_ = nullptr;
  std::size_t mapping_bytes_ = 0;
};

}  // namespace cambium::model
