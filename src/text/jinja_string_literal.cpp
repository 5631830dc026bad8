#include "text/jinja_string_literal.h"

#include <fmt/format.h>

#include "text/jinja_error.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

[[noreturn]] void refuse_literal(std::string message) { throw TemplateError(ErrorKind::kSyntax, std::move(message)); }

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// `count` hexadecimal digits from `at`, which moves behind them.
char32_t hex(std::string_view literal, std::size_t& at, std::size_t count) {
  std::uint32_t code = 0;
  for (std::size_t i = 0; i < count; ++i, ++at) {
    const int digit = at < literal.size() ? hex_value(literal[at]) : -1;
    if (digit < 0) refuse_literal(fmt::format("truncated escape in string: {} hexadecimal digits are needed", count));
    code = code * 16 + static_cast<std::uint32_t>(digit);
  }
  if (code > 0x10FFFF) refuse_literal("illegal Unicode character in string");
  if (code >= 0xD800 && code <= 0xDFFF)
    refuse_literal("a surrogate in a string: write the character itself or \\U with 8 digits");
  return code;
}

}  // namespace

std::string unescape_literal(std::string_view literal) {
  std::string out;
  for (std::size_t at = 0; at < literal.size();) {
    if (literal[at] != '\\') {
      out += literal[at++];
      continue;
    }
    if (++at == literal.size()) refuse_literal("\\ at end of string");
    const std::size_t begin = at;
    const char32_t c = next_code_point(literal, at);
    switch (c) {
      case '\n':
        break;  // the line goes on
      case '\\':
      case '\'':
      case '"':
        out += static_cast<char>(c);
        break;
      case 'a':
        out += '\a';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'v':
        out += '\v';
        break;
      case 'x':
        append_code_point(out, hex(literal, at, 2));
        break;
      case 'u':
        append_code_point(out, hex(literal, at, 4));
        break;
      case 'U':
        append_code_point(out, hex(literal, at, 8));
        break;
      case 'N':
        refuse_literal("\\N{...} escapes are not supported: write the character itself");
      default:
        if (c >= '0' && c <= '7') {
          std::uint32_t code = static_cast<std::uint32_t>(c) - '0';
          for (int more = 0; more < 2 && at < literal.size() && literal[at] >= '0' && literal[at] <= '7'; ++more) {
            code = code * 8 + static_cast<std::uint32_t>(literal[at++] - '0');
          }
          append_code_point(out, code);
        } else if (c >= 0x80) {
          // Jinja2 writes such a character as an escape first, whose backslash then pairs with this one.
          out += c < 0x100     ? fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c))
                 : c < 0x10000 ? fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c))
                               : fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
        } else {
          out += '\\';
          out += literal.substr(begin, at - begin);
        }
    }
  }
  return out;
}

}  // namespace cambium::text::jinja
