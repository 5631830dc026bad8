#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "tensor/error.h"

namespace cambium::checkpoint {

/// "cannot DO PATH: the system's words"; for the errno of the call that just failed.
[[nodiscard]] SystemError system_error(std::string_view could_not, const std::filesystem::path& path, int error_number);

/// A file descriptor that closes itself.
class OpenFile {
 public:
  enum class Mode { kRead, kReadWrite, kCreate };  ///< kCreate: read and write, made if missing, never truncated
  OpenFile() = default;
  /// @throws SystemError
  OpenFile(const std::filesystem::path& path, Mode mode);
  ~OpenFile();
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&& other) noexcept;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::uint64_t size() const;
  /// Fills `out` from `offset` on; returns the bytes read (less only at the end of the file).
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> out) const;
  /// Writes all of `bytes`. @throws SystemError
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) const;
  /// Data (and size) are on disk when this returns.
  void sync() const;

 private:
  int descriptor_ = -1;
  std::filesystem::path path_;
};

/// Whole content of a file. @throws SystemError  missing, not a regular file, unreadable; or larger than `limit_bytes`
[[nodiscard]] std::string read_file(const std::filesystem::path& path,
                                    std::uint64_t limit_bytes = std::uint64_t{1} << 31);

/// Makes names created in or removed from a folder survive a crash of the machine.
void sync_folder(const std::filesystem::path& folder);

}  // namespace cambium::checkpoint
