#pragma once

#include <string_view>

namespace cambium::text::jinja {

/// The character that HTML 4.01 names so ("eacute", without & and ;), or 0.
[[nodiscard]] char32_t html_entity(std::string_view name);

}  // namespace cambium::text::jinja
