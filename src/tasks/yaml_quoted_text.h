#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cambium::tasks {

/// A quoted scalar of YAML 1.1 read from the file's text: escapes, doubled quotes, and lines that are folded (one break
/// is a space, n breaks are n - 1 newlines), as PyYAML reads them. yaml-cpp 0.7 drops newlines where several blank
/// lines stand in a row and writes `\_`, `\N`, `\x80` and above as bytes that are no UTF-8.
///
/// @param source  UTF-8, valid YAML
/// @param at      of the opening ' or "
/// @return        nothing if no quote stands there, or the text ends within
[[nodiscard]] std::optional<std::string> quoted_text(std::string_view source, std::size_t at);

}  // namespace cambium::tasks
