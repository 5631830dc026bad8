#pragma once

#include <string>
#include <string_view>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// Python's `format % values` with its flags, widths, precisions and %(name)s keys. A safe format escapes what it
/// inserts.
[[nodiscard]] std::string format_percent(Runtime& runtime, const Value& format, const Value& values);

/// Python's str.format: numbered, automatic and named fields, attributes and items of them, !r !s !a, nested format
/// specs.
[[nodiscard]] std::string format_braces(Runtime& runtime, const Value& format, const Arguments& arguments);

/// Python's format(value, spec): fill, alignment, sign, '#', '0', width, grouping, precision, type.
[[nodiscard]] std::string format_spec(Runtime& runtime, const Value& value, std::string_view spec);

}  // namespace cambium::text::jinja
