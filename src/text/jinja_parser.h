#pragma once

#include <string_view>

#include "text/jinja_options.h"
#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

/// Parses a template; names are not resolved yet (jinja_scope.h).
/// @param name  the template's name for messages
/// @throws TemplateError (kSyntax) with line and column
[[nodiscard]] Tree parse(std::string_view source, const Options& options, std::string_view name);

}  // namespace cambium::text::jinja
