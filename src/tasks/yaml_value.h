#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// Where a key of a YAML file stands.
struct YamlPlace {
  std::filesystem::path file;
  int line = 0;
  [[nodiscard]] std::string text() const;
};

/// A YAML mapping as a dict, its scalars typed as YAML 1.1 (PyYAML) types them; `!function module.name` becomes the
/// dict
/// {"!function": "FOLDER/module.name"} with the name of the file's folder.
struct YamlMapping {
  text::jinja::Value value = text::jinja::Value::dict();
  std::map<std::string, YamlPlace> places;  ///< of the top-level keys
};

/// Reads a file with one YAML mapping. @throws RecipeError  malformed (with line), another tag, not a mapping, a key
/// twice
[[nodiscard]] YamlMapping read_yaml(const std::filesystem::path& file);

/// The name behind `!function`, or empty if the value is none.
[[nodiscard]] std::string function_name(const text::jinja::Value& value);

}  // namespace cambium::tasks
