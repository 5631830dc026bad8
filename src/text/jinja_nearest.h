#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cambium::text::jinja {

/// " Did you mean 'a' or 'b'?" with the known names nearest in spelling, or nothing if none is near.
[[nodiscard]] std::string nearest_names(std::string_view name, std::span<const std::string_view> known);

}  // namespace cambium::text::jinja
