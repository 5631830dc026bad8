#pragma once

#include <string>
#include <string_view>

#include "text/jinja_value.h"

namespace cambium::tasks {

// A document's entries as built-in functions take them. Both throw RecipeError that names the key.
[[nodiscard]] const text::jinja::Value& entry(const text::jinja::Value& document, std::string_view key);
[[nodiscard]] const std::string& text_entry(const text::jinja::Value& document, std::string_view key);

/// Every occurrence replaced, from left to right.
[[nodiscard]] std::string replaced(std::string text, std::string_view from, std::string_view to);

}  // namespace cambium::tasks
