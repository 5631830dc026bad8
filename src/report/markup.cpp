#include "report/markup.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace cambium::report {

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

std::string number_text(double value, int digits) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
  std::string_view suffix;
  const double size = std::abs(value);
  if (size >= 1e4 && size < 1e13) {
    constexpr std::array<std::pair<double, std::string_view>, 4> kSuffixes{
        {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}}};
    for (const auto& [unit, name] : kSuffixes) {
      if (size < unit) continue;
      value /= unit;
      suffix = name;
      break;
    }
  }
  // Sums of fractions leave such dust where the result is 0.
  if (size < 1e-12) value = 0;
  std::string text = fmt::format("{:.{}g}", value, digits);
  if (text.find("e+") != std::string::npos) text = fmt::format("{:.0f}", value);
  if (const auto exponent = text.find("e-"); exponent != std::string::npos)
    text.replace(exponent, text[exponent + 2] == '0' ? 3 : 2, "e−");
  text += suffix;
  if (text.starts_with('-')) text.replace(0, 1, "−");
  return text;
}

std::string signed_text(double value, int decimals) {
  std::string text = fmt::format("{:+.{}f}", value, decimals);
  if (text.find_first_not_of("+-0.") == std::string::npos) return text.substr(1);
  if (text.starts_with('-')) text.replace(0, 1, "−");
  return text;
}

std::string p_value_text(double p) { return p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p); }

std::string base64(std::string_view bytes) {
  static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= count ? kLetters[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace cambium::report
