#pragma once

#include <string_view>

#include "text/jinja_syntax.h"

namespace cambium::text::jinja {

/// Gives every name of a parsed template its slot, and every scope the variables it loads when it is entered.
///
/// Jinja's rules: loops, macros, call, filter, with, set and autoescape blocks are scopes, `if` is none; an assignment
/// in a scope starts from the outer value and does not leak out; a name assigned anywhere in a scope means that scope's
/// variable in all of it; macros see the variables around them as they are when the macro runs.
/// @throws TemplateError (kSyntax)  a macro names `caller` as a parameter without default although it is called with
/// one
void resolve_names(Tree& tree, std::string_view template_name);

}  // namespace cambium::text::jinja
