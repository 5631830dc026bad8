#include "text/jinja_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_attributes.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

[[noreturn]] void fail_value(std::string message) { throw TemplateError(ErrorKind::kValue, std::move(message)); }
[[noreturn]] void fail_type(std::string message) { throw TemplateError(ErrorKind::kType, std::move(message)); }

std::string ascii_repr(const Value& value, Budget& budget) {
  std::string shown;
  append_repr(shown, value, budget);
  std::string out;
  for (std::size_t position = 0; position < shown.size();) {
    const char32_t c = next_code_point(shown, position);
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else {
      out += c < 0x100     ? fmt::format("\\x{:02x}", static_cast<std::uint32_t>(c))
             : c < 0x10000 ? fmt::format("\\u{:04x}", static_cast<std::uint32_t>(c))
                           : fmt::format("\\U{:08x}", static_cast<std::uint32_t>(c));
    }
  }
  return out;
}

// -- %
// --------------------------------------------------------------------------------------------------------------------

struct PercentField {
  bool left = false;
  bool plus = false;
  bool blank = false;
  bool alternate = false;
  bool zero = false;
  std::size_t width = 0;
  int precision = -1;
  char type = 's';
};

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const Value& format, const Value& values)
      : runtime_(runtime), format_(format.as_string()), safe_(format.as_text().safe), values_(values) {}

  std::string run() {
    while (at_ < format_.size()) {
      const std::size_t sign = std::min(format_.find('%', at_), format_.size());
      out_ += format_.substr(at_, sign - at_);
      at_ = sign + 1;
      if (sign < format_.size()) field();
    }
    const bool unused = values_.is(Type::kTuple) ? used_ < values_.items().size() : used_ == 0 && !subscriptable();
    if (unused) fail_type("not all arguments converted during string formatting");
    return std::move(out_);
  }

 private:
  char peek() const {
    if (at_ >= format_.size()) fail_value("incomplete format");
    return format_[at_];
  }

  // Python takes what has items, but is neither tuple nor text, for a mapping, whose items need not all be used.
  bool subscriptable() const {
    return values_.is(Type::kList) || values_.is_dict() || values_.is_undefined() ||
           (values_.is(Type::kObject) && values_.as_instance().subscriptable());
  }

  Value next_value() {
    if (values_.is(Type::kTuple)) {
      if (used_ >= values_.items().size()) fail_type("not enough arguments for format string");
      return values_.items()[used_++];
    }
    if (used_++ > 0) fail_type("not enough arguments for format string");
    return values_;
  }

  std::size_t number() {
    if (peek() == '*') {
      ++at_;
      const Value value = next_value();
      if (!value.is_integral()) fail_type("* wants int");
      return static_cast<std::size_t>(std::max<std::int64_t>(value.as_int(), 0));
    }
    std::size_t result = 0;
    while (at_ < format_.size() && format_[at_] >= '0' && format_[at_] <= '9') {
      result = std::min<std::size_t>(result * 10 + static_cast<std::size_t>(format_[at_++] - '0'), 1U << 30U);
    }
    return result;
  }

  void field() {
    PercentField field;
    std::optional<Value> keyed;
    if (peek() == '(') {
      const std::size_t close = format_.find(')', at_);
      if (close == std::string_view::npos) fail_value("incomplete format key");
      if (!values_.is_dict()) fail_type("format requires a mapping");
      const std::string_view key = format_.substr(at_ + 1, close - at_ - 1);
      const Value* found = values_.as_dict().find(key);
      if (found == nullptr) throw TemplateError(ErrorKind::kLookup, fmt::format("'{}'", key));
      keyed = *found;
      at_ = close + 1;
    }
    for (;; ++at_) {
      const char flag = peek();
      if (flag == '-')
        field.left = true;
      else if (flag == '+')
        field.plus = true;
      else if (flag == ' ')
        field.blank = true;
      else if (flag == '#')
        field.alternate = true;
      else if (flag == '0')
        field.zero = true;
      else
        break;
    }
    field.width = number();
    if (peek() == '.') {
      ++at_;
      field.precision = static_cast<int>(number());
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    field.type = format_[at_++];
    if (field.type == '%') {
      out_ += '%';
      return;
    }
    const Value value = keyed ? *keyed : next_value();
    runtime_.budget().spend_text(std::max(field.width, static_cast<std::size_t>(std::max(field.precision, 0))));
    append(field, value);
  }

  void append(const PercentField& field, const Value& value) {
    std::string body;
    std::string sign;
    bool numeric = false;
    switch (field.type) {
      case 's':
        body = to_text(value, runtime_.budget());
        break;
      case 'r':
        append_repr(body, value, runtime_.budget());
        break;
      case 'a':
        body = ascii_repr(value, runtime_.budget());
        break;
      case 'c':
        body = character(value);
        break;
      case 'd':
      case 'i':
      case 'u':
      case 'o':
      case 'x':
      case 'X':
        body = integer(field, value);
        numeric = true;
        break;
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        body = real(field, value);
        numeric = true;
        break;
      default:
        fail_value(fmt::format("unsupported format character '{}' (0x{:x})", field.type,
                               static_cast<unsigned>(static_cast<unsigned char>(field.type))));
    }
    if (numeric) {
      if (body.front() == '-') {
        sign = "-";
        body.erase(0, 1);
      } else if (field.plus) {
        sign = "+";
      } else if (field.blank) {
        sign = " ";
      }
    } else {
      if (field.precision >= 0) body.resize(byte_offset(body, static_cast<std::size_t>(field.precision)));
      if (safe_ && !(value.is_string() && value.as_text().safe)) body = escape_html(body);
    }
    pad(field, sign, body, numeric);
  }

  void pad(const PercentField& field, const std::string& sign, const std::string& body, bool numeric) {
    const std::size_t size = count_code_points(body) + sign.size();
    const std::size_t missing = field.width > size ? field.width - size : 0;
    if (field.left) {
      out_ += sign + body + std::string(missing, ' ');
    } else if (field.zero && numeric) {
      out_ += sign + std::string(missing, '0') + body;
    } else {
      out_ += std::string(missing, ' ') + sign + body;
    }
  }

  static std::string character(const Value& value) {
    if (value.is_string() && count_code_points(value.as_string()) == 1) return value.as_string();
    if (!value.is_integral()) fail_type("%c requires int or char");
    if (value.as_int() < 0 || value.as_int() > 0x10FFFF) {
      throw TemplateError(ErrorKind::kOverflow, "%c arg not in range(0x110000)");
    }
    std::string out;
    append_code_point(out, static_cast<char32_t>(value.as_int()));
    return out;
  }

  std::string integer(const PercentField& field, const Value& value) const {
    if (value.is_undefined()) value.as_undefined().fail();
    const bool decimal = field.type == 'd' || field.type == 'i' || field.type == 'u';
    std::string digits;
    if (value.is(Type::kBigInt) && decimal) {
      digits = value.as_string();
    } else if (value.is_integral()) {
      digits = integer_text(value.as_int(), field.type == 'o' ? 8 : decimal ? 10 : 16);
    } else if (value.is(Type::kFloat) && decimal) {
      digits = whole_text(value.as_float());
    } else {
      fail_type(fmt::format("%{} format: a real number is required, not {}", field.type, type_name(value)));
    }
    if (field.type == 'X')
      std::ranges::transform(digits, digits.begin(), [](char c) { return c >= 'a' ? static_cast<char>(c - 32) : c; });
    const std::size_t sign = digits.front() == '-' ? 1 : 0;
    if (field.precision >= 0 && digits.size() - sign < static_cast<std::size_t>(field.precision)) {
      digits.insert(sign, static_cast<std::size_t>(field.precision) - (digits.size() - sign), '0');
    }
    if (field.alternate && !decimal) digits.insert(sign, std::string("0") + field.type);
    return digits;
  }

  static std::string real(const PercentField& field, const Value& value) {
    if (value.is_undefined()) value.as_undefined().fail();
    if (!value.is_number()) fail_type(fmt::format("must be real number, not {}", type_name(value)));
    return real_text(to_double(value), field.type, field.precision < 0 ? 6 : field.precision, field.alternate);
  }

  Runtime& runtime_;
  std::string_view format_;
  bool safe_;
  const Value& values_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t used_ = 0;
};

// -- str.format
// -----------------------------------------------------------------------------------------------------------

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const Arguments& arguments, bool safe)
      : runtime_(runtime), arguments_(arguments), safe_(safe) {}

  // Format specs may hold fields themselves, one level deep.
  std::string run(std::string_view format, int levels = 2) {
    if (levels == 0) fail_value("Max string recursion exceeded");
    std::string out;
    for (std::size_t at = 0; at < format.size();) {
      const char c = format[at];
      if ((c == '{' || c == '}') && at + 1 < format.size() && format[at + 1] == c) {
        out += c;
        at += 2;
      } else if (c == '}') {
        fail_value("Single '}' encountered in format string");
      } else if (c == '{') {
        const std::size_t close = matching_brace(format, at);
        out += field(format.substr(at + 1, close - at - 1), levels);
        at = close + 1;
      } else {
        out += c;
        ++at;
      }
    }
    return out;
  }

 private:
  static std::size_t matching_brace(std::string_view format, std::size_t open) {
    int depth = 0;
    bool bracket = false;
    for (std::size_t at = open; at < format.size(); ++at) {
      if (format[at] == '[') bracket = true;
      if (format[at] == ']') bracket = false;
      if (bracket) continue;
      if (format[at] == '{') ++depth;
      if (format[at] == '}' && --depth == 0) return at;
    }
    if (open + 1 == format.size()) fail_value("Single '{' encountered in format string");
    fail_value("expected '}' before end of string");
  }

  std::string field(std::string_view text, int levels) {
    std::size_t end = 0;
    for (bool bracket = false; end < text.size(); ++end) {
      if (text[end] == '[') bracket = true;
      if (text[end] == ']') bracket = false;
      if (!bracket && (text[end] == '!' || text[end] == ':')) break;
    }
    Value value = lookup(text.substr(0, end));
    if (end < text.size() && text[end] == '!') {
      if (end + 1 == text.size()) fail_value("end of string while looking for conversion specifier");
      value = converted(value, text[end + 1]);
      end += 2;
      if (end < text.size() && text[end] != ':') fail_value("expected ':' after conversion specifier");
    }
    const std::string spec = end < text.size() ? run(text.substr(end + 1), levels - 1) : std::string();
    if (!safe_) return format_spec(runtime_, value, spec);
    if (value.is_string() && value.as_text().safe) return value.as_string();
    return escape_html(format_spec(runtime_, value, spec));
  }

  Value converted(const Value& value, char conversion) {
    std::string out;
    switch (conversion) {
      case 's':
        out = to_text(value, runtime_.budget());
        break;
      case 'r':
        append_repr(out, value, runtime_.budget());
        break;
      case 'a':
        out = ascii_repr(value, runtime_.budget());
        break;
      default:
        fail_value(fmt::format("Unknown conversion specifier {}", conversion));
    }
    return Value::string(std::move(out));
  }

  Value lookup(std::string_view name) {
    const std::size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, first_end));
    for (std::size_t at = first_end; at < name.size();) {
      if (name[at] == '.') {
        const std::size_t end = std::min(name.find_first_of(".[", at + 1), name.size());
        if (end == at + 1) fail_value("Empty attribute in format string");
        value = get_attribute(runtime_, value, name.substr(at + 1, end - at - 1));
        at = end;
      } else if (name[at] == '[') {
        const std::size_t close = name.find(']', at);
        if (close == std::string_view::npos) fail_value("Missing ']' in format string");
        const std::string_view key = name.substr(at + 1, close - at - 1);
        if (key.empty()) fail_value("Empty attribute in format string");
        value = get_item(runtime_, value, as_index(key));
        at = close + 1;
      } else {
        fail_value("Only '.' or '[' may follow ']' in format field specifier");
      }
    }
    return value;
  }

  static Value as_index(std::string_view key) {
    const bool digits = std::ranges::all_of(key, [](char c) { return c >= '0' && c <= '9'; });
    return digits ? Value::integer_from_digits(std::string(key)) : Value::string(std::string(key));
  }

  Value argument(std::string_view name) {
    if (name.empty()) {
      if (numbered_) fail_value("cannot switch from manual field specification to automatic field numbering");
      automatic_ = true;
      return positional(next_++);
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error == std::errc{} && end == name.data() + name.size()) {
      if (automatic_) fail_value("cannot switch from automatic field numbering to manual field specification");
      numbered_ = true;
      return positional(index);
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key == name) return value;
    }
    throw TemplateError(ErrorKind::kLookup, fmt::format("'{}'", name));
  }

  Value positional(std::size_t index) const {
    if (index >= arguments_.positional.size()) {
      throw TemplateError(ErrorKind::kLookup,
                          fmt::format("Replacement index {} out of range for positional args tuple", index));
    }
    return arguments_.positional[index];
  }

  Runtime& runtime_;
  const Arguments& arguments_;
  bool safe_;
  bool automatic_ = false;
  bool numbered_ = false;
  std::size_t next_ = 0;
};

}  // namespace

std::string format_percent(Runtime& runtime, const Value& format, const Value& values) {
  return PercentFormatter(runtime, format, values).run();
}

std::string format_braces(Runtime& runtime, const Value& format, const Arguments& arguments) {
  return BraceFormatter(runtime, arguments, format.as_text().safe).run(format.as_string());
}

}  // namespace cambium::text::jinja
