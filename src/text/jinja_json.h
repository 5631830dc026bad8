#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// How json.dumps writes.
struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::optional<std::string> indent;  ///< what one level is indented by; nothing: all in one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

/// Python's json.dumps: floats as Python prints them, keys in order, keys of numbers, booleans and None made text.
/// @throws TemplateError  a value JSON has no form for (kType), nesting (kLimit)
[[nodiscard]] std::string to_json(const Value& value, const JsonStyle& style, Budget& budget);

/// Reads JSON as Python's json.loads does: numbers with a point or exponent are floats, whole numbers of any size are
/// kept, the last of equal keys counts.
/// @param where  the text's name for messages
/// @throws RecipeError  malformed (with line and column), not UTF-8, or nested more than 500 deep
[[nodiscard]] Value from_json(std::string_view text, std::string_view where);

}  // namespace cambium::text::jinja
