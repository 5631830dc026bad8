#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

// The methods of str; filters of the same meaning call them too.
namespace cambium::text::jinja::string_method {

/// str.replace; a negative count replaces all.
[[nodiscard]] std::string replace_text(Runtime& runtime, std::string_view text, std::string_view old,
                                       std::string_view with, std::int64_t count);
/// str.strip(characters)
[[nodiscard]] std::string_view strip_characters(std::string_view text, std::string_view characters, bool left,
                                                bool right);

// `self` is a string; each throws TemplateError as Python raises.
Value split(Runtime& runtime, const Value& self, Arguments& arguments);
Value rsplit(Runtime& runtime, const Value& self, Arguments& arguments);
Value splitlines(Runtime& runtime, const Value& self, Arguments& arguments);
Value partition(Runtime& runtime, const Value& self, Arguments& arguments);
Value rpartition(Runtime& runtime, const Value& self, Arguments& arguments);
Value strip_both(Runtime& runtime, const Value& self, Arguments& arguments);
Value lstrip(Runtime& runtime, const Value& self, Arguments& arguments);
Value rstrip(Runtime& runtime, const Value& self, Arguments& arguments);
Value find(Runtime& runtime, const Value& self, Arguments& arguments);
Value rfind(Runtime& runtime, const Value& self, Arguments& arguments);
Value index(Runtime& runtime, const Value& self, Arguments& arguments);
Value rindex(Runtime& runtime, const Value& self, Arguments& arguments);
Value count(Runtime& runtime, const Value& self, Arguments& arguments);
Value startswith(Runtime& runtime, const Value& self, Arguments& arguments);
Value endswith(Runtime& runtime, const Value& self, Arguments& arguments);
Value removeprefix(Runtime& runtime, const Value& self, Arguments& arguments);
Value removesuffix(Runtime& runtime, const Value& self, Arguments& arguments);
Value replace(Runtime& runtime, const Value& self, Arguments& arguments);
Value join(Runtime& runtime, const Value& self, Arguments& arguments);
Value center(Runtime& runtime, const Value& self, Arguments& arguments);

}  // namespace cambium::text::jinja::string_method
