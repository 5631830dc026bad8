#include "text/jinja_string_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja_attributes.h"
#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

Value same_kind(Runtime& runtime, const Value& self, std::string text) {
  return runtime.text(std::move(text), self.as_text().safe);
}

// A method without arguments that maps the text: upper, lower, title ...
template <std::string (*Map)(std::string_view)>
Value mapped_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("str method", arguments, {});
  return same_kind(runtime, self, Map(self.as_string()));
}

// isalpha and its kind: all characters are, and there is one.
template <bool (*Test)(char32_t) noexcept>
Value all_are(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("str method", arguments, {});
  const std::u32string text = to_code_points(self.as_string());
  return Value::boolean(!text.empty() && std::ranges::all_of(text, Test));
}

// islower, isupper: no character of the other case, and one of this.
template <bool (*This)(char32_t) noexcept, bool (*Other)(char32_t) noexcept>
Value cased_as(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("str method", arguments, {});
  const std::u32string text = to_code_points(self.as_string());
  const auto wrong = [](char32_t c) { return Other(c) || is_title(c); };
  return Value::boolean(std::ranges::any_of(text, This) && std::ranges::none_of(text, wrong));
}

Value istitle(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("istitle", arguments, {});
  bool inside = false;
  bool any = false;
  for (const char32_t c : to_code_points(self.as_string())) {
    const bool first = is_upper(c) || is_title(c);
    if (first ? inside : is_lower(c) && !inside) return Value::boolean(false);
    inside = first || is_lower(c);
    any = any || inside;
  }
  return Value::boolean(any);
}

Value isascii(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("isascii", arguments, {});
  return Value::boolean(self.as_text().code_points() == self.as_string().size());
}

Value isprintable(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("isprintable", arguments, {});
  return Value::boolean(std::ranges::all_of(to_code_points(self.as_string()), is_printable));
}

Value isidentifier(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("isidentifier", arguments, {});
  const std::u32string text = to_code_points(self.as_string());
  return Value::boolean(!text.empty() && is_identifier_start(text.front()) &&
                        std::ranges::all_of(text, is_identifier_part));
}

// ljust, rjust, center: how the missing width is shared out.
Value padded(Runtime& runtime, std::string_view name, const Value& self, Arguments& arguments, char side) {
  const Matched matched(name, arguments, {"width", "fillchar"}, 1);
  const std::int64_t width = matched.integer(0);
  const std::string fill = matched.has(1) ? matched.text(1) : " ";
  if (count_code_points(fill) != 1) {
    throw TemplateError(ErrorKind::kType, "The fill character must be exactly one character long");
  }
  const auto size = static_cast<std::int64_t>(self.as_text().code_points());
  const std::int64_t missing = std::max<std::int64_t>(width - size, 0);
  runtime.budget().spend_text(static_cast<std::size_t>(missing) * fill.size());
  std::int64_t left = side == '<' ? 0 : missing;
  if (side == '^') left = missing / 2 + (missing & width & 1);  // CPython puts the odd blank left of odd widths
  std::string out;
  for (std::int64_t i = 0; i < left; ++i) out += fill;
  out += self.as_string();
  for (std::int64_t i = left; i < missing; ++i) out += fill;
  return same_kind(runtime, self, std::move(out));
}

Value ljust(Runtime& runtime, const Value& self, Arguments& arguments) {
  return padded(runtime, "ljust", self, arguments, '<');
}

Value rjust(Runtime& runtime, const Value& self, Arguments& arguments) {
  return padded(runtime, "rjust", self, arguments, '>');
}

Value zfill(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("zfill", arguments, {"width"}, 1);
  const auto size = static_cast<std::int64_t>(self.as_text().code_points());
  const std::int64_t missing = std::max<std::int64_t>(matched.integer(0) - size, 0);
  runtime.budget().spend_text(static_cast<std::size_t>(missing));
  std::string out = self.as_string();
  const bool sign = out.starts_with('-') || out.starts_with('+');
  out.insert(sign ? 1 : 0, static_cast<std::size_t>(missing), '0');
  return same_kind(runtime, self, std::move(out));
}

Value expandtabs(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("expandtabs", arguments, {"tabsize"});
  const std::int64_t size = matched.integer(0, 8);
  std::string out;
  std::int64_t column = 0;
  const std::string& text = self.as_string();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    if (c == '\t') {
      const std::int64_t blanks = size > 0 ? size - column % size : 0;
      runtime.budget().spend_text(out.size() + static_cast<std::size_t>(blanks));
      out.append(static_cast<std::size_t>(blanks), ' ');
      column += blanks;
    } else {
      out += text.substr(begin, at - begin);
      column = c == '\n' || c == '\r' ? 0 : column + 1;
    }
  }
  return same_kind(runtime, self, std::move(out));
}

Value translate(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("translate", arguments, {"table"}, 1);
  if (!matched[0].is_dict()) throw TemplateError(ErrorKind::kType, "translate() expects a dict of code points");
  std::string out;
  for (const char32_t c : to_code_points(self.as_string())) {
    const Value* to = matched[0].as_dict().find(Value::integer(static_cast<std::int64_t>(c)), runtime.budget());
    if (to == nullptr) {
      append_code_point(out, c);
    } else if (to->is_string()) {
      out += to->as_string();
    } else if (to->is_integral() && to->as_int() >= 0 && to->as_int() <= 0x10FFFF) {
      append_code_point(out, static_cast<char32_t>(to->as_int()));
    } else if (!to->is_none()) {
      throw TemplateError(ErrorKind::kType, "character mapping must return integer, None or str");
    }
  }
  return same_kind(runtime, self, std::move(out));
}

Value format_method(Runtime& runtime, const Value& self, Arguments& arguments) {
  return same_kind(runtime, self, format_braces(runtime, self, arguments));
}

Value format_map(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("format_map", arguments, {"mapping"}, 1);
  if (!matched[0].is_dict()) throw TemplateError(ErrorKind::kType, "format_map() expects a dict");
  Arguments named;
  for (const auto& [key, value] : matched[0].as_dict().entries()) {
    if (key.is_string()) named.named.emplace_back(key.as_string(), value);
  }
  return same_kind(runtime, self, format_braces(runtime, self, named));
}

Value encode(Runtime& /*runtime*/, const Value& /*self*/, Arguments& /*arguments*/) {
  throw TemplateError(ErrorKind::kType, "str.encode() is not supported in templates: there are no bytes objects");
}

}  // namespace

Value string_method::center(Runtime& runtime, const Value& self, Arguments& arguments) {
  return padded(runtime, "center", self, arguments, '^');
}

std::span<const Method> string_methods() {
  namespace m = string_method;
  static constexpr std::array<Method, 46> kMethods{{
      {"capitalize", mapped_method<capitalize>},
      {"casefold", mapped_method<to_casefold>},
      {"center", m::center},
      {"count", m::count},
      {"encode", encode},
      {"endswith", m::endswith},
      {"expandtabs", expandtabs},
      {"find", m::find},
      {"format", format_method},
      {"format_map", format_map},
      {"index", m::index},
      {"isalnum", all_are<is_alnum>},
      {"isalpha", all_are<is_alpha>},
      {"isascii", isascii},
      {"isdecimal", all_are<is_decimal>},
      {"isdigit", all_are<is_digit>},
      {"isidentifier", isidentifier},
      {"islower", cased_as<is_lower, is_upper>},
      {"isnumeric", all_are<is_numeric>},
      {"isprintable", isprintable},
      {"isspace", all_are<is_space>},
      {"istitle", istitle},
      {"isupper", cased_as<is_upper, is_lower>},
      {"join", m::join},
      {"ljust", ljust},
      {"lower", mapped_method<to_lower>},
      {"lstrip", m::lstrip},
      {"partition", m::partition},
      {"removeprefix", m::removeprefix},
      {"removesuffix", m::removesuffix},
      {"replace", m::replace},
      {"rfind", m::rfind},
      {"rindex", m::rindex},
      {"rjust", rjust},
      {"rpartition", m::rpartition},
      {"rsplit", m::rsplit},
      {"rstrip", m::rstrip},
      {"split", m::split},
      {"splitlines", m::splitlines},
      {"startswith", m::startswith},
      {"strip", m::strip_both},
      {"swapcase", mapped_method<swap_case>},
      {"title", mapped_method<to_title>},
      {"translate", translate},
      {"upper", mapped_method<to_upper>},
      {"zfill", zfill},
  }};
  static_assert(std::ranges::is_sorted(kMethods, {}, &Method::name));
  return kMethods;
}

}  // namespace cambium::text::jinja
