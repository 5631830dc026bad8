#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace cambium::study {

/// A YAML file as JSON values, with the line of each key: places["arms.tuned"] is where it stands.
struct YamlJson {
  nlohmann::ordered_json value;
  std::map<std::string, int> places;
  /// Line of a path, or of the nearest path above it that has one.
  [[nodiscard]] int line(std::string path) const;
};

/// Plain scalars are typed by YAML 1.2's core schema (null, true, false, integers, floats), quoted ones are texts.
/// @throws RecipeError  malformed (with line), a key twice, an anchor used too often, not a mapping
[[nodiscard]] YamlJson yaml_to_json(std::string_view text, std::string_view where);
[[nodiscard]] YamlJson read_yaml_json(const std::filesystem::path& file);

/// One scalar as a YAML file would hold it: "0.5" is a number, "true" a truth value.
[[nodiscard]] nlohmann::ordered_json typed_scalar(const std::string& text);

}  // namespace cambium::study
