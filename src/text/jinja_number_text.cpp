#include "text/jinja_number_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "text/jinja_error.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

constexpr int kNotADigit = 99;

int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'z') return c - 'a' + 10;
  if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
  return kNotADigit;
}

// Without single underscores between digits; nothing if one stands elsewhere.
std::optional<std::string> without_underscores(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || digit_value(text[i - 1]) == kNotADigit ||
               digit_value(text[i + 1]) == kNotADigit) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

std::string integer_text(std::int64_t value, int base) {
  char buffer[72];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, base);
  return {buffer, result.ptr};
}

std::string whole_text(double value) {
  if (std::isnan(value)) throw TemplateError(ErrorKind::kValue, "cannot convert float NaN to integer");
  if (std::isinf(value)) throw TemplateError(ErrorKind::kOverflow, "cannot convert float infinity to integer");
  const std::string digits = fmt::format("{:.0f}", std::trunc(value));
  return digits == "-0" ? "0" : digits;
}

std::string real_text(double value, char type, int precision, bool alternate) {
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  if (!std::isfinite(value)) {
    const std::string_view name = std::isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf");
    return (std::signbit(value) && !std::isnan(value) ? "-" : "") + std::string(name);
  }
  const int digits = std::min(precision, 2000);
  switch (type) {
    case 'e':
      return alternate ? fmt::format("{:#.{}e}", value, digits) : fmt::format("{:.{}e}", value, digits);
    case 'E':
      return alternate ? fmt::format("{:#.{}E}", value, digits) : fmt::format("{:.{}E}", value, digits);
    case 'f':
    case 'F':
      return alternate ? fmt::format("{:#.{}f}", value, digits) : fmt::format("{:.{}f}", value, digits);
    case 'G':
      return alternate ? fmt::format("{:#.{}G}", value, digits) : fmt::format("{:.{}G}", value, digits);
    default:
      return alternate ? fmt::format("{:#.{}g}", value, digits) : fmt::format("{:.{}g}", value, digits);
  }
}

double round_decimal(double value, int digits) {
  if (!std::isfinite(value)) return value;
  if (digits > 330) return value;
  if (digits < -330) return std::copysign(0.0, value);
  if (digits >= 0) {
    // printf rounds the exact value to the nearest decimal, halves to even, as Python does.
    const std::string text = fmt::format("{:.{}f}", value, digits);
    return read_float(text).value_or(value);
  }
  // Left of the point: whole numbers, rounded half to even on the digits.
  const double unit = std::pow(10.0, -digits);
  const double quotient = value / unit;
  const double floored = std::floor(quotient);
  const double rest = value - floored * unit;
  const bool up = rest > unit / 2 || (rest == unit / 2 && std::fmod(floored, 2.0) != 0);
  return std::copysign((floored + (up ? 1 : 0)) * unit, value);
}

std::optional<Value> read_integer(std::string_view text, int base) {
  text = strip(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.size() > 2 && text[0] == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    const int marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked != 0 && (base == marked || base == 0)) {
      base = marked;
      text.remove_prefix(text[2] == '_' ? 3 : 2);
    }
  }
  if (base == 0) {
    base = 10;
    if (text.size() > 1 && text[0] == '0' && text.find_first_not_of("0_") != std::string_view::npos)
      return std::nullopt;
  }
  const std::optional<std::string> digits = without_underscores(text);
  if (!digits || digits->empty()) return std::nullopt;
  if (!std::ranges::all_of(*digits, [&](char c) { return digit_value(c) < base; })) return std::nullopt;
  const std::string signed_digits = (negative ? "-" : "") + *digits;
  if (base == 10) return Value::integer_from_digits(signed_digits);
  std::int64_t value = 0;
  if (std::from_chars(signed_digits.data(), signed_digits.data() + signed_digits.size(), value, base).ec !=
      std::errc{}) {
    throw TemplateError(ErrorKind::kOverflow, fmt::format("the integer '{}' does not fit 64 bits", text));
  }
  return Value::integer(value);
}

std::optional<double> read_float(std::string_view text) {
  const std::optional<std::string> cleaned = without_underscores(strip(text));
  if (!cleaned) return std::nullopt;
  std::string_view rest = *cleaned;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const std::string lower = to_lower(rest);
  if (lower == "inf" || lower == "infinity") {
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (lower == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (rest.empty() || rest.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (end != rest.data() + rest.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    // Too large or too small: from_chars leaves the value alone, strtod tells which.
    value = std::strtod(std::string(rest).c_str(), nullptr);
  } else if (error != std::errc{}) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

}  // namespace cambium::text::jinja
