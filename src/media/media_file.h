#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace cambium::media {

/// Largest file of a picture, clip or sound that is read, in bytes.
inline constexpr std::uint64_t kMaxMediaBytes = std::uint64_t{1} << 30;

/// Whole content of a picture's, clip's or sound's file.
/// @throws SystemError  missing, a folder, unreadable, larger than kMaxMediaBytes
[[nodiscard]] std::vector<std::byte> read_media_file(const std::filesystem::path& file);

}  // namespace cambium::media
