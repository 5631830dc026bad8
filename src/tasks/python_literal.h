#pragma once

#include <optional>
#include <string_view>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// Python's ast.literal_eval of strings, numbers, True, False, None, lists, tuples and dicts; nothing if the text is no
/// literal.
[[nodiscard]] std::optional<text::jinja::Value> parse_python_literal(std::string_view text);

}  // namespace cambium::tasks
