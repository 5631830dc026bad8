#include "text/jinja_print.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "text/jinja_objects.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

// Python switches to an exponent outside 1e-4 <= x < 1e16.
constexpr int kFirstExponent = -4;
constexpr int kLastExponent = 16;

void append_sequence(std::string& out, const Value& value, Budget& budget) {
  const bool tuple = value.is(Type::kTuple);
  out += tuple ? '(' : '[';
  bool first = true;
  for (const Value& item : value.items()) {
    if (!first) out += ", ";
    first = false;
    append_repr(out, item, budget);
  }
  if (tuple && value.items().size() == 1) out += ',';
  out += tuple ? ')' : ']';
}

void append_dict(std::string& out, const DictObject& dict, Budget& budget) {
  out += '{';
  bool first = true;
  for (const auto& [key, item] : dict.entries()) {
    if (!first) out += ", ";
    first = false;
    append_repr(out, key, budget);
    out += ": ";
    append_repr(out, item, budget);
  }
  out += '}';
}

}  // namespace

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<std::size_t>(result.ptr - buffer));
  const std::size_t e = shortest.find('e');
  std::string digits(shortest.substr(0, e));
  int exponent = 0;
  const std::size_t exponent_at = e + (shortest[e + 1] == '+' ? 2 : 1);
  std::from_chars(shortest.data() + exponent_at, shortest.data() + shortest.size(), exponent);
  std::string out;
  if (digits.front() == '-') {
    out = "-";
    digits.erase(0, 1);
  }
  std::erase(digits, '.');
  if (exponent < kFirstExponent || exponent >= kLastExponent) {
    out += digits.substr(0, 1);
    if (digits.size() > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  const auto whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
  return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

void append_quoted(std::string& out, std::string_view text) {
  const bool single = text.find('\'') == std::string_view::npos || text.find('"') != std::string_view::npos;
  const char quote = single ? '\'' : '"';
  out += quote;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t begin = position;
    const char32_t c = next_code_point(text, position);
    if (c == static_cast<char32_t>(quote) || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (is_printable(c)) {
      out += text.substr(begin, position - begin);
    } else if (c < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c));
    } else if (c < 0x10000) {
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c));
    } else {
      out += fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
    }
  }
  out += quote;
}

void append_repr(std::string& out, const Value& value, Budget& budget) {
  budget.spend_text(out.size() > budget.limits().max_text_bytes ? out.size() : 0);
  switch (value.type()) {
    case Type::kUndefined:
      out += "Undefined";
      return;
    case Type::kNone:
      out += "None";
      return;
    case Type::kBool:
      out += value.as_bool() ? "True" : "False";
      return;
    case Type::kInt:
      out += fmt::format("{}", value.as_int());
      return;
    case Type::kBigInt:
      out += value.as_string();
      return;
    case Type::kFloat:
      out += float_text(value.as_float());
      return;
    case Type::kString:
      budget.spend_text(value.as_string().size());
      if (value.as_text().safe) out += "Markup(";
      append_quoted(out, value.as_string());
      if (value.as_text().safe) out += ')';
      return;
    case Type::kTuple:
    case Type::kList: {
      const Budget::Level level(budget);
      append_sequence(out, value, budget);
      return;
    }
    case Type::kDict: {
      const Budget::Level level(budget);
      append_dict(out, value.as_dict(), budget);
      return;
    }
    case Type::kObject: {
      const Budget::Level level(budget);
      value.as_instance().append_text(out, budget);
      return;
    }
  }
}

void append_text(std::string& out, const Value& value, Budget& budget) {
  if (value.is_string()) {
    budget.spend_text(out.size() > budget.limits().max_text_bytes ? out.size() : value.as_string().size());
    out += value.as_string();
  } else if (value.is_undefined()) {
    if (value.as_undefined().strict) value.as_undefined().fail();
  } else {
    append_repr(out, value, budget);
  }
}

std::string to_text(const Value& value, Budget& budget) {
  std::string out;
  append_text(out, value, budget);
  return out;
}

std::string escape_html(std::string_view text) {
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
      case '\'':
        out += "&#39;";
        break;
      case '"':
        out += "&#34;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace cambium::text::jinja
