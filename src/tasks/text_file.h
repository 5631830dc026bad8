#pragma once

#include <filesystem>
#include <string>

namespace cambium::tasks {

/// A whole file, decompressed if it is gzip. @throws SystemError  it cannot be read, or is damaged or cut short
[[nodiscard]] std::string read_text_file(const std::filesystem::path& file);

}  // namespace cambium::tasks
