#pragma once

#include <string>
#include <string_view>

namespace cambium::text::jinja {

/// What a string literal between its quotes means: Python's escapes; an unknown one stays as written.
/// @throws TemplateError (kSyntax)  a cut-off or impossible escape, a surrogate, or \N{...}
[[nodiscard]] std::string unescape_literal(std::string_view literal);

}  // namespace cambium::text::jinja
