#pragma once

#include <string>

#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// Appends Python's str(value). @throws TemplateError  a strict undefined value; nested or made too large (kLimit)
void append_text(std::string& out, const Value& value, Budget& budget);
[[nodiscard]] std::string to_text(const Value& value, Budget& budget);
/// Appends Python's repr(value).
void append_repr(std::string& out, const Value& value, Budget& budget);
/// Python's repr of a float: the shortest digits that read back as the same value ("2.5", "-3e-07", "inf").
[[nodiscard]] std::string float_text(double value);
/// Python's repr of a string: quoted, what cannot be printed escaped.
void append_quoted(std::string& out, std::string_view text);
/// With &, <, >, ' and " as HTML entities, as markupsafe writes them.
[[nodiscard]] std::string escape_html(std::string_view text);

}  // namespace cambium::text::jinja
