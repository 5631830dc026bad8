#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace cambium::checkpoint {

/// Whole content of a text that people write: a recipe, a configuration, a template. May be a pipe.
/// @throws SystemError      missing, a folder, unreadable, larger than `limit_bytes`
/// @throws CheckpointError  not UTF-8
[[nodiscard]] std::string read_text(const std::filesystem::path& file,
                                    std::uint64_t limit_bytes = std::uint64_t{1} << 26);

}  // namespace cambium::checkpoint
