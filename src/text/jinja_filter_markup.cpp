// Filters that make or read HTML, URLs and JSON.
#include <fmt/format.h>

#include <algorithm>

#include "text/jinja_filters.h"
#include "text/jinja_html_entities.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"
#include "text/jinja_pretty.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

bool is_safe(const Value& value) { return value.is_string() && value.as_text().safe; }

Value escaped(Runtime& runtime, const Value& value) {
  if (is_safe(value)) return value;
  return runtime.text(escape_html(to_text(value, runtime.budget())), true);
}

Value escape(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("escape", arguments, {});
  return escaped(runtime, input);
}

Value forceescape(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("forceescape", arguments, {});
  return runtime.text(escape_html(to_text(input, runtime.budget())), true);
}

Value mark_safe(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("safe", arguments, {});
  return runtime.text(to_text(input, runtime.budget()), true);
}

std::string unescape_html(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text[at] == '&' ? text.find(';', at) : std::string_view::npos;
    if (end == std::string_view::npos || end - at > 12) {
      out += text[at++];
      continue;
    }
    const std::string_view name = text.substr(at + 1, end - at - 1);
    const char32_t known = html_entity(name);
    if (known != 0) {
      append_code_point(out, known);
    } else if (name.size() > 1 && name[0] == '#') {
      const bool hex = name[1] == 'x' || name[1] == 'X';
      std::uint32_t code = 0;
      bool good = name.size() > (hex ? 2U : 1U);
      for (const char c : name.substr(hex ? 2 : 1)) {
        const int digit = c >= '0' && c <= '9'                            ? c - '0'
                          : hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                          : -1;
        good = good && digit >= 0;
        code = code * (hex ? 16U : 10U) + static_cast<std::uint32_t>(std::max(digit, 0));
        if (code > 0x110000U) code = 0x110000U;
      }
      if (!good) {
        out += text[at++];
        continue;
      }
      const bool valid = code != 0 && code < 0x110000U && (code < 0xD800U || code > 0xDFFFU);
      append_code_point(out, valid ? static_cast<char32_t>(code) : 0xFFFDU);
    } else {
      out += text[at++];
      continue;
    }
    at = end + 1;
  }
  return out;
}

Value striptags(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("striptags", arguments, {});
  const std::string text = to_text(input, runtime.budget());
  std::string without;
  std::size_t at = 0;
  while (true) {
    const std::size_t open = text.find('<', at);
    if (open == std::string::npos) break;
    const bool comment = text.compare(open, 4, "<!--") == 0;
    const std::size_t close = comment ? text.find("-->", open + 4) : text.find('>', open);
    if (close == std::string::npos) break;
    without += text.substr(at, open - at);
    at = close + (comment ? 3 : 1);
  }
  without += text.substr(at);
  std::string collapsed;
  bool pending = false;
  for (std::size_t position = 0; position < without.size();) {
    const std::size_t begin = position;
    if (is_space(next_code_point(without, position))) {
      pending = !collapsed.empty();
      continue;
    }
    if (pending) collapsed += ' ';
    pending = false;
    collapsed += without.substr(begin, position - begin);
  }
  return runtime.text(unescape_html(collapsed));
}

std::string quoted_url(Runtime& runtime, const Value& value, bool query) {
  std::string out;
  for (const char c : to_text(value, runtime.budget())) {
    const auto byte = static_cast<unsigned char>(c);
    const bool kept =
        (byte < 0x80 && std::isalnum(byte) != 0) || std::string_view("_.-~").find(c) != std::string_view::npos;
    if (kept || (c == '/' && !query)) {
      out += c;
    } else if (c == ' ' && query) {
      out += '+';
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

Value urlencode(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("urlencode", arguments, {});
  const Ref<Iterator> items = input.is_string() ? Ref<Iterator>()
                              : input.is_dict()
                                  ? make<DictView>(Ref<DictObject>(&input.as_dict()), DictView::Part::kItems)->iterate()
                                  : iterate_if_possible(input);
  if (!items) return runtime.text(quoted_url(runtime, input, false));
  std::string out;
  for (Value item; items->next(runtime, item);) {
    const std::vector<Value> pair = collect(runtime, item);
    if (pair.size() != 2) throw TemplateError(ErrorKind::kValue, "urlencode needs pairs of a key and a value");
    if (!out.empty()) out += '&';
    out += quoted_url(runtime, pair[0], true) + "=" + quoted_url(runtime, pair[1], true);
  }
  return runtime.text(std::move(out));
}

Value xmlattr(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("xmlattr", arguments, {"autospace"});
  if (!input.is_dict())
    throw TemplateError(ErrorKind::kType, fmt::format("xmlattr needs a dict, not {}", type_name(input)));
  std::string out;
  for (const auto& [key, value] : input.as_dict().entries()) {
    if (value.is_none() || value.is_undefined()) continue;
    const std::string name = to_text(key, runtime.budget());
    if (name.find_first_of(" \t\n\r\f\v/>=") != std::string::npos) {
      throw TemplateError(ErrorKind::kValue, fmt::format("Invalid character in attribute name: '{}'", name));
    }
    if (!out.empty() || matched.flag(0, true)) out += ' ';
    out += fmt::format("{}=\"{}\"", escaped(runtime, key).as_string(), escaped(runtime, value).as_string());
  }
  return runtime.text(std::move(out), runtime.autoescape);
}

Value pprint(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("pprint", arguments, {});
  return runtime.text(pretty(input, runtime.budget()));
}

JsonStyle style_of(const Matched& matched, std::size_t indent) {
  JsonStyle style;
  if (!matched.has(indent) || matched[indent].is_none()) return style;
  style.item_separator = ",";
  if (matched[indent].is_string()) {
    style.indent = matched[indent].as_string();
  } else {
    const std::int64_t width = std::clamp<std::int64_t>(matched.integer(indent), 0, 1000);
    style.indent = std::string(static_cast<std::size_t>(width), ' ');
  }
  return style;
}

// Jinja's own: keys sorted, everything that HTML could take for markup escaped.
Value html_json(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("tojson", arguments, {"indent"});
  JsonStyle style = style_of(matched, 0);
  style.ensure_ascii = true;
  style.sort_keys = true;
  std::string out;
  for (const char c : to_json(input, style, runtime.budget())) {
    if (c == '<' || c == '>' || c == '&' || c == '\'') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return runtime.text(std::move(out), true);
}

Value tojson(Runtime& runtime, const Value& input, Arguments& arguments) {
  if (!runtime.options().plain_json) return html_json(runtime, input, arguments);
  const Matched matched("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style = style_of(matched, 1);
  style.ensure_ascii = matched.flag(0);
  style.sort_keys = matched.flag(3);
  if (matched.has(2) && !matched[2].is_none()) {
    const std::vector<Value> separators = collect(runtime, matched[2]);
    if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
      throw TemplateError(ErrorKind::kValue, "tojson: separators must be two strings, between items and behind keys");
    }
    style.item_separator = separators[0].as_string();
    style.key_separator = separators[1].as_string();
  }
  return runtime.text(to_json(input, style, runtime.budget()));
}

}  // namespace

std::span<const Filter> markup_filters() {
  static constexpr Filter kFilters[] = {
      {"e", escape},      {"escape", escape},       {"forceescape", forceescape},
      {"pprint", pprint}, {"safe", mark_safe},      {"striptags", striptags},
      {"tojson", tojson}, {"urlencode", urlencode}, {"xmlattr", xmlattr},
  };
  return kFilters;
}

}  // namespace cambium::text::jinja
