#pragma once

#include <string>
#include <string_view>

namespace cambium::report {

/// Text with & < > " ' escaped, for HTML and SVG content and attribute values. Control characters other than tab and
/// newline go.
[[nodiscard]] std::string escaped(std::string_view text);

/// A number as charts and tables print it: about `digits` significant digits, no trailing zeros, "–" for NaN.
[[nodiscard]] std::string number_text(double value, int digits = 3);

}  // namespace cambium::report
