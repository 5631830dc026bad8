// Filters that map a text.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "text/jinja_filters.h"
#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_string_methods.h"
#include "text/jinja_unicode.h"
#include "text/jinja_wordwrap.h"

namespace cambium::text::jinja {
namespace {

// str(value), markup staying markup.
Value soft_text(Runtime& runtime, const Value& value) {
  return value.is_string() ? value : runtime.text(to_text(value, runtime.budget()));
}

const Value& require_text(const Value& value, std::string_view filter) {
  if (value.is_undefined()) value.as_undefined().fail();
  if (!value.is_string()) {
    throw TemplateError(ErrorKind::kType, fmt::format("the filter '{}' needs a str, not {}", filter, type_name(value)));
  }
  return value;
}

template <std::string (*Map)(std::string_view)>
Value mapped(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("filter", arguments, {});
  const Value text = soft_text(runtime, input);
  return runtime.text(Map(text.as_string()), text.as_text().safe);
}

bool starts_word(char32_t c) {
  return is_space(c) || std::u32string_view(U"-({[<").find(c) != std::u32string_view::npos;
}

// Unlike str.title, only blanks, hyphens and opening brackets begin a word.
std::string title_words(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    static_cast<void>(next_code_point(text, end));
    const std::size_t after_first = end;
    std::size_t probe = at;
    if (starts_word(next_code_point(text, probe))) {
      out += text.substr(at, after_first - at);
      at = after_first;
      continue;
    }
    while (end < text.size()) {
      std::size_t next = end;
      if (starts_word(next_code_point(text, next))) break;
      end = next;
    }
    out += to_upper(text.substr(at, after_first - at));
    out += to_lower(text.substr(after_first, end - after_first));
    at = end;
  }
  return out;
}

Value center(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("center", arguments, {"width"});
  Arguments width;
  width.positional.push_back(Value::integer(matched.integer(0, 80)));
  return string_method::center(runtime, soft_text(runtime, input), width);
}

Value format(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty()) {
    throw TemplateError(ErrorKind::kRuntime, "can't handle positional and keyword arguments at the same time");
  }
  const Value values =
      arguments.named.empty() ? Value::tuple(std::move(arguments.positional)) : Value::dict(std::move(arguments.named));
  return apply(runtime, BinaryOperator::kModulo, soft_text(runtime, input), values);
}

Value indent(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("indent", arguments, {"width", "first", "blank"});
  const Value& text = require_text(input, "indent");
  std::string indention;
  if (matched.has(0) && matched[0].is_string()) {
    indention = matched[0].as_string();
  } else {
    const std::int64_t width = std::max<std::int64_t>(matched.integer(0, 4), 0);
    runtime.budget().spend_text(static_cast<std::size_t>(width));
    indention.assign(static_cast<std::size_t>(width), ' ');
  }
  const std::string ended = text.as_string() + "\n";
  const std::vector<std::string_view> lines = split_lines(ended, false);
  runtime.budget().spend_text(ended.size() + lines.size() * indention.size());
  std::string out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += '\n';
    if (i == 0 ? matched.flag(1) : (matched.flag(2) || !lines[i].empty())) out += indention;
    out += lines[i];
  }
  return runtime.text(std::move(out), text.as_text().safe);
}

Value replace(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("replace", arguments, {"old", "new", "count"}, 2);
  const std::string old = to_text(matched[0], runtime.budget());
  const std::string with = to_text(matched[1], runtime.budget());
  const std::int64_t count = matched.has(2) && !matched[2].is_none() ? matched.integer(2) : -1;
  const auto safe = [](const Value& value) { return value.is_string() && value.as_text().safe; };
  const std::string text = to_text(input, runtime.budget());
  if (!runtime.autoescape) return runtime.text(string_method::replace_text(runtime, text, old, with, count));
  const bool escape = safe(matched[0]) || (safe(matched[1]) && !safe(input));
  const bool result_safe = escape || safe(input);
  return runtime.text(string_method::replace_text(runtime, escape && !safe(input) ? escape_html(text) : text, old,
                                                  result_safe && !safe(matched[1]) ? escape_html(with) : with, count),
                      result_safe);
}

Value string(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("string", arguments, {});
  return soft_text(runtime, input);
}

Value trim(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("trim", arguments, {"chars"});
  const Value text = soft_text(runtime, input);
  const bool blanks = !matched.has(0) || matched[0].is_none();
  const std::string_view trimmed =
      blanks ? strip(text.as_string()) : string_method::strip_characters(text.as_string(), matched.text(0), true, true);
  return runtime.text(std::string(trimmed), text.as_text().safe);
}

Value truncate(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("truncate", arguments, {"length", "killwords", "end", "leeway"});
  const Value& text = require_text(input, "truncate");
  const std::int64_t length = matched.integer(0, 255);
  const std::string end = matched.has(2) ? matched.text(2) : "...";
  const std::int64_t leeway = matched.has(3) && !matched[3].is_none() ? matched.integer(3) : 5;
  const auto end_size = static_cast<std::int64_t>(count_code_points(end));
  if (length < end_size || leeway < 0) {
    throw TemplateError(ErrorKind::kValue, fmt::format("truncate: expected length >= {} and leeway >= 0, got {} and {}",
                                                       end_size, length, leeway));
  }
  const auto size = static_cast<std::int64_t>(text.as_text().code_points());
  if (size - leeway <= length) return text;
  std::string_view kept = text.as_string();
  kept = kept.substr(0, byte_offset(kept, static_cast<std::size_t>(length - end_size)));
  if (!matched.flag(1)) kept = kept.substr(0, kept.rfind(' '));
  return runtime.text(std::string(kept) + end, text.as_text().safe);
}

Value wordcount(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("wordcount", arguments, {});
  const Value text = soft_text(runtime, input);
  std::int64_t words = 0;
  bool inside = false;
  for (const char32_t c : to_code_points(text.as_string())) {
    const bool word = c == '_' || is_alnum(c);
    if (word && !inside) ++words;
    inside = word;
  }
  return Value::integer(words);
}

Value wordwrap(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("wordwrap", arguments, {"width", "break_long_words", "wrapstring", "break_on_hyphens"});
  const Value& text = require_text(input, "wordwrap");
  const std::int64_t width = matched.integer(0, 79);
  if (width <= 0) throw TemplateError(ErrorKind::kValue, fmt::format("invalid width {} (must be > 0)", width));
  const std::string wrap = matched.has(2) && !matched[2].is_none() ? matched.text(2) : "\n";
  std::string out;
  bool first = true;
  for (const std::string_view paragraph : split_lines(text.as_string(), false)) {
    const std::vector<std::string> lines =
        wrap_words(paragraph, static_cast<std::size_t>(width), matched.flag(1, true), matched.flag(3, true));
    // A blank paragraph wraps to no line, but keeps its place.
    if (!first) out += wrap;
    first = false;
    for (std::size_t i = 0; i < lines.size(); ++i) out += (i > 0 ? wrap : "") + lines[i];
    runtime.budget().spend_text(out.size() > runtime.options().limits.max_text_bytes ? out.size() : paragraph.size());
  }
  return runtime.text(std::move(out));
}

Value filesizeformat(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("filesizeformat", arguments, {"binary"});
  Arguments none;
  const Value number = find_filter(runtime.options(), "float")->function(runtime, input, none);
  const double bytes = number.as_float();
  const bool binary = matched.flag(0);
  const double base = binary ? 1024 : 1000;
  if (bytes == 1) return Value::string("1 Byte");
  if (bytes < base) return Value::string(fmt::format("{:.0f} Bytes", std::trunc(bytes)));
  static constexpr std::array<std::string_view, 8> kDecimal{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  static constexpr std::array<std::string_view, 8> kBinary{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"};
  double unit = base * base;
  std::size_t prefix = 0;
  for (; prefix + 1 < kDecimal.size() && bytes >= unit; ++prefix) unit *= base;
  return Value::string(fmt::format("{:.1f} {}", base * bytes / unit, (binary ? kBinary : kDecimal)[prefix]));
}

}  // namespace

std::span<const Filter> text_filters() {
  static constexpr Filter kFilters[] = {
      {"capitalize", mapped<capitalize>},
      {"center", center},
      {"filesizeformat", filesizeformat},
      {"format", format},
      {"indent", indent},
      {"lower", mapped<to_lower>},
      {"replace", replace},
      {"string", string},
      {"title", mapped<title_words>},
      {"trim", trim},
      {"truncate", truncate},
      {"upper", mapped<to_upper>},
      {"wordcount", wordcount},
      {"wordwrap", wordwrap},
  };
  return kFilters;
}

}  // namespace cambium::text::jinja
