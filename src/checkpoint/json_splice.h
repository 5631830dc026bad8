#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::checkpoint {

/// A member of an object or an element of a list, as it stands in a JSON text. Views into that text.
struct JsonPart {
  std::string_view key;  ///< with its quotes and escapes; empty in a list
  std::string_view value;
  /// The key as it is meant. Cost: a small parse if it has escapes.
  [[nodiscard]] std::string name() const;
};

/// The parts of the object or list that `container` is the text of, for changing one place of a large file without
/// building a tree of it. @pre valid JSON (scan_json took it)
[[nodiscard]] std::vector<JsonPart> json_parts(std::string_view container);

/// Text of the value at a member of an object, or an empty view if it has no such member. @pre as json_parts
[[nodiscard]] std::string_view json_member(std::string_view object, std::string_view name);

/// `text` with the part `old` (a view into it) replaced.
[[nodiscard]] std::string json_replaced(std::string_view text, std::string_view old, std::string_view replacement);

}  // namespace cambium::checkpoint
