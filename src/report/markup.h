#pragma once

#include <string>
#include <string_view>

namespace cambium::report {

/// Text with & < > " ' escaped, for HTML and SVG content and attribute values. Control characters other than tab and
/// newline go.
[[nodiscard]] std::string escaped(std::string_view text);

/// A number as charts and tables print it: about `digits` significant digits, no trailing zeros, "240k", "1.13M", "–"
/// for NaN.
[[nodiscard]] std::string number_text(double value, int digits = 3);

/// "+8.9", "−45.0": a difference, always with its sign.
[[nodiscard]] std::string signed_text(double value, int decimals = 1);
/// "< 0.001", "0.032".
[[nodiscard]] std::string p_value_text(double p);

/// Bytes for a data: URI.
[[nodiscard]] std::string base64(std::string_view bytes);

}  // namespace cambium::report
