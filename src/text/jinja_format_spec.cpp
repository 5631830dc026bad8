// format(value, spec) of jinja_format.h: Python's format specification mini-language.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/jinja_format.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

[[noreturn]] void fail(std::string message) { throw TemplateError(ErrorKind::kValue, std::move(message)); }

struct Spec {
  std::string fill = " ";
  bool fill_given = false;
  char align = 0;
  char sign = '-';
  bool alternate = false;
  std::size_t width = 0;
  char grouping = 0;
  int precision = -1;
  char type = 0;
};

std::size_t read_number(std::string_view text, std::size_t& at) {
  std::size_t number = 0;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(text[at++] - '0'), 1U << 30U);
  }
  return number;
}

bool is_align(std::string_view text, std::size_t at) {
  return at < text.size() && std::string_view("<>=^").find(text[at]) != std::string_view::npos;
}

Spec parse(std::string_view text) {
  Spec spec;
  std::size_t at = 0;
  std::size_t after_fill = 0;
  if (!text.empty()) static_cast<void>(next_code_point(text, after_fill));
  if (after_fill > 0 && is_align(text, after_fill)) {
    spec.fill = text.substr(0, after_fill);
    spec.fill_given = true;
    spec.align = text[after_fill];
    at = after_fill + 1;
  } else if (is_align(text, 0)) {
    spec.align = text[at++];
  }
  if (at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == ' ')) spec.sign = text[at++];
  if (at < text.size() && text[at] == 'z') ++at;
  if (at < text.size() && text[at] == '#') {
    spec.alternate = true;
    ++at;
  }
  if (at < text.size() && text[at] == '0') {
    if (!spec.fill_given) spec.fill = "0";
    if (spec.align == 0) spec.align = '=';
    ++at;
  }
  spec.width = read_number(text, at);
  if (at < text.size() && (text[at] == ',' || text[at] == '_')) spec.grouping = text[at++];
  if (at < text.size() && text[at] == '.') {
    const std::size_t digits = ++at;
    spec.precision = static_cast<int>(read_number(text, at));
    if (at == digits) fail("Format specifier missing precision");
  }
  if (at < text.size()) spec.type = text[at++];
  if (at < text.size()) fail(fmt::format("Invalid format specifier '{}'", text));
  return spec;
}

[[noreturn]] void fail_code(const Spec& spec, const Value& value) {
  fail(fmt::format("Unknown format code '{}' for object of type '{}'", spec.type, type_name(value)));
}

// A separator between groups of digits left of the point.
std::string grouped(std::string digits, char separator, std::size_t group) {
  std::size_t end = 0;
  while (end < digits.size() && std::isalnum(static_cast<unsigned char>(digits[end])) != 0 && digits[end] != 'e') ++end;
  for (std::size_t at = end; at > group; at -= group) digits.insert(at - group, 1, separator);
  return digits;
}

std::string aligned(const Spec& spec, const std::string& sign, const std::string& prefix, const std::string& body,
                    char fallback) {
  const std::size_t size = count_code_points(body) + sign.size() + prefix.size();
  const std::size_t missing = spec.width > size ? spec.width - size : 0;
  const char align = spec.align == 0 ? fallback : spec.align;
  const auto fill = [&](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += spec.fill;
    return out;
  };
  if (align == '<') return sign + prefix + body + fill(missing);
  if (align == '>') return fill(missing) + sign + prefix + body;
  if (align == '=') return sign + prefix + fill(missing) + body;
  return fill(missing / 2) + sign + prefix + body + fill(missing - missing / 2);
}

// Zeros that fill a grouped number are grouped too: '{:08,}' of 1234 is 0,001,234.
std::string numeric(const Spec& spec, std::string digits, const std::string& prefix, std::size_t group) {
  std::string sign;
  if (digits.starts_with('-')) {
    sign = "-";
    digits.erase(0, 1);
  } else if (spec.sign != '-') {
    sign = spec.sign;
  }
  if (spec.grouping != 0) {
    if (spec.fill == "0" && spec.align == '=') {
      while (sign.size() + prefix.size() + grouped(digits, spec.grouping, group).size() < spec.width) {
        digits.insert(0, 1, '0');
      }
    }
    digits = grouped(std::move(digits), spec.grouping, group);
  }
  return aligned(spec, sign, prefix, digits, '>');
}

std::string format_text(const Spec& spec, const Value& value, std::string text) {
  if (spec.type != 0 && spec.type != 's') fail_code(spec, value);
  if (spec.sign != '-') fail("Sign not allowed in string format specifier");
  if (spec.align == '=') fail("'=' alignment not allowed in string format specifier");
  if (spec.precision >= 0) text.resize(byte_offset(text, static_cast<std::size_t>(spec.precision)));
  return aligned(spec, "", "", text, '<');
}

std::string format_float(const Spec& spec, const Value& value) {
  const double real = to_double(value);
  std::string digits;
  switch (spec.type) {
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      digits = real_text(real, spec.type, spec.precision < 0 ? 6 : spec.precision, spec.alternate);
      break;
    case 'n':
      digits = real_text(real, 'g', spec.precision < 0 ? 6 : spec.precision, spec.alternate);
      break;
    case '%':
      digits = real_text(real * 100, 'f', spec.precision < 0 ? 6 : spec.precision, spec.alternate) + "%";
      break;
    case 0:
      if (spec.precision < 0) {
        digits = float_text(real);
      } else {
        // Like 'g', but with at least one digit behind the point.
        digits = real_text(real, 'g', std::max(spec.precision, 1), spec.alternate);
        if (digits.find_first_of(".en") == std::string::npos) digits += ".0";
      }
      break;
    default:
      fail_code(spec, value);
  }
  return numeric(spec, std::move(digits), "", 3);
}

std::string format_integer(const Spec& spec, const Value& value) {
  if (spec.type != 0 && std::string_view("eEfFgG%").find(spec.type) != std::string_view::npos) {
    return format_float(spec, value);
  }
  if (spec.precision >= 0) fail("Precision not allowed in integer format specifier");
  if (spec.type == 0 || spec.type == 'd' || spec.type == 'n') {
    return numeric(spec, value.is(Type::kBigInt) ? value.as_string() : integer_text(value.as_int(), 10), "", 3);
  }
  if (value.is(Type::kBigInt)) throw TemplateError(ErrorKind::kOverflow, "the integer does not fit 64 bits");
  std::string prefix;
  switch (spec.type) {
    case 'b':
      if (spec.alternate) prefix = "0b";
      return numeric(spec, integer_text(value.as_int(), 2), prefix, 4);
    case 'o':
      if (spec.alternate) prefix = "0o";
      return numeric(spec, integer_text(value.as_int(), 8), prefix, 4);
    case 'x':
      if (spec.alternate) prefix = "0x";
      return numeric(spec, integer_text(value.as_int(), 16), prefix, 4);
    case 'X':
      if (spec.alternate) prefix = "0X";
      return numeric(spec, to_upper(integer_text(value.as_int(), 16)), prefix, 4);
    case 'c': {
      if (value.as_int() < 0 || value.as_int() > 0x10FFFF) fail("%c arg not in range(0x110000)");
      std::string text;
      append_code_point(text, static_cast<char32_t>(value.as_int()));
      return aligned(spec, "", "", text, '<');
    }
    default:
      fail_code(spec, value);
  }
}

}  // namespace

std::string format_spec(Runtime& runtime, const Value& value, std::string_view text) {
  if (text.empty()) return to_text(value, runtime.budget());
  const Spec spec = parse(text);
  runtime.budget().spend_text(spec.width * spec.fill.size() + static_cast<std::size_t>(std::max(spec.precision, 0)));
  if (value.is_string()) return format_text(spec, value, value.as_string());
  if (value.is(Type::kFloat)) return format_float(spec, value);
  if (value.is_number()) return format_integer(spec, value);
  throw TemplateError(ErrorKind::kType,
                      fmt::format("unsupported format string passed to {}.__format__", type_name(value)));
}

}  // namespace cambium::text::jinja
