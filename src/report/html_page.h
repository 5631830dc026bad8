#pragma once

#include <string>
#include <string_view>

namespace cambium::report {

/// A complete, self-contained HTML page: no request leaves it. Readable in light and dark (the reader's setting), on
/// paper and on a phone. Charts of this room take their colours from its style sheet.
/// @param title  plain text
/// @param body   HTML, put into <main>
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);

/// A chart of this room with a caption, in a box that scrolls sideways on a phone and by keyboard.
/// @param name     what the box is called for readers who do not see it
/// @param caption  plain text; empty: none
[[nodiscard]] std::string figure_html(std::string_view svg, std::string_view name, std::string_view caption = {});

}  // namespace cambium::report
