#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cambium::text::jinja {

/// Python's textwrap.wrap of one paragraph, tabs and other blanks kept as they are: lines of at most `width` code
/// points, broken at blanks, behind hyphens between letters and at dashes; blanks at a line's ends are dropped.
[[nodiscard]] std::vector<std::string> wrap_words(std::string_view paragraph, std::size_t width, bool break_long_words,
                                                  bool break_on_hyphens);

}  // namespace cambium::text::jinja
