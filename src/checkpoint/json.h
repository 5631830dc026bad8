#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

namespace cambium::checkpoint {

/// JSON as read from model files: keys keep the file's order, so that what is written again looks like what was read.
using Json = nlohmann::ordered_json;

/// Bounds on a foreign JSON text; the defaults fit any config or tokenizer file.
struct JsonLimits {
  int max_depth = 128;
  bool allow_duplicate_keys = false;
};

/// Parses foreign JSON text.
/// @param where  the file's name for messages
/// @throws CheckpointError  not UTF-8, malformed (with line and column), nested deeper than allowed, or a key twice in
/// one object
[[nodiscard]] Json parse_json(std::string_view text, std::string_view where, const JsonLimits& limits = {});

/// Reads and parses a whole file. @throws SystemError if it cannot be read, else as parse_json.
[[nodiscard]] Json read_json(const std::filesystem::path& file, const JsonLimits& limits = {});

}  // namespace cambium::checkpoint
