// The methods of str that search, cut and join.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_string_methods.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja::string_method {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

Value piece(Runtime& runtime, const Value& self, std::string_view text) {
  return runtime.text(std::string(text), self.as_text().safe);
}

Value pieces(Runtime& runtime, const Value& self, const std::vector<std::string_view>& parts) {
  std::vector<Value> items;
  items.reserve(parts.size());
  for (const std::string_view part : parts) items.push_back(piece(runtime, self, part));
  return runtime.list(std::move(items));
}

std::vector<std::string_view> split_blanks(std::string_view text, std::int64_t limit) {
  std::vector<std::string_view> parts;
  std::string_view rest = strip(text, true, false);
  while (!rest.empty()) {
    if (limit >= 0 && static_cast<std::int64_t>(parts.size()) == limit) {
      parts.push_back(rest);
      break;
    }
    std::size_t end = 0;
    while (end < rest.size()) {
      std::size_t next = end;
      if (is_space(next_code_point(rest, next))) break;
      end = next;
    }
    parts.push_back(rest.substr(0, end));
    rest = strip(rest.substr(end), true, false);
  }
  return parts;
}

std::vector<std::string_view> rsplit_blanks(std::string_view text, std::int64_t limit) {
  std::vector<std::string_view> parts;
  std::string_view rest = strip(text, false, true);
  while (!rest.empty()) {
    if (limit >= 0 && static_cast<std::int64_t>(parts.size()) == limit) {
      parts.push_back(rest);
      break;
    }
    std::size_t begin = rest.size();
    while (begin > 0) {
      std::size_t last = begin - 1;
      while (last > 0 && (static_cast<unsigned char>(rest[last]) & 0xC0U) == 0x80U) --last;
      std::size_t next = last;
      if (is_space(next_code_point(rest, next))) break;
      begin = last;
    }
    parts.push_back(rest.substr(begin));
    rest = strip(rest.substr(0, begin), false, true);
  }
  std::ranges::reverse(parts);
  return parts;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, std::int64_t limit) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t found = text.find(separator, begin);
    if (found == kNone) break;
    parts.push_back(text.substr(begin, found - begin));
    begin = found + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

std::vector<std::string_view> rsplit_at(std::string_view text, std::string_view separator, std::int64_t limit) {
  std::vector<std::string_view> parts;
  std::string_view rest = text;
  while (limit < 0 || static_cast<std::int64_t>(parts.size()) < limit) {
    const std::size_t found = rest.rfind(separator);
    if (found == kNone) break;
    parts.push_back(rest.substr(found + separator.size()));
    rest = rest.substr(0, found);
  }
  parts.push_back(rest);
  std::ranges::reverse(parts);
  return parts;
}

Value split_from(Runtime& runtime, const Value& self, Arguments& arguments, bool from_right) {
  const Matched matched(from_right ? "rsplit" : "split", arguments, {"sep", "maxsplit"});
  const std::int64_t limit = matched.integer(1, -1);
  const std::string& text = self.as_string();
  runtime.budget().spend(1 + text.size() / 64);
  if (!matched.has(0) || matched[0].is_none()) {
    return pieces(runtime, self, from_right ? rsplit_blanks(text, limit) : split_blanks(text, limit));
  }
  const std::string& separator = matched.text(0);
  if (separator.empty()) throw TemplateError(ErrorKind::kValue, "empty separator");
  return pieces(runtime, self, from_right ? rsplit_at(text, separator, limit) : split_at(text, separator, limit));
}

Value partition_at(Runtime& runtime, const Value& self, Arguments& arguments, bool last) {
  const Matched matched(last ? "rpartition" : "partition", arguments, {"sep"}, 1);
  const std::string_view text = self.as_string();
  const std::string& separator = matched.text(0);
  if (separator.empty()) throw TemplateError(ErrorKind::kValue, "empty separator");
  const std::size_t found = last ? text.rfind(separator) : text.find(separator);
  if (found == kNone) {
    const Value nothing = piece(runtime, self, "");
    return last ? Value::tuple({nothing, nothing, self}) : Value::tuple({self, nothing, nothing});
  }
  return Value::tuple({piece(runtime, self, text.substr(0, found)), piece(runtime, self, separator),
                       piece(runtime, self, text.substr(found + separator.size()))});
}

Value strip_sides(Runtime& runtime, const Value& self, Arguments& arguments, bool left, bool right) {
  const Matched matched("strip", arguments, {"chars"});
  if (!matched.has(0) || matched[0].is_none()) return piece(runtime, self, strip(self.as_string(), left, right));
  return piece(runtime, self, strip_characters(self.as_string(), matched.text(0), left, right));
}

// The part of a text that find, count, startswith ... look at.
struct Window {
  std::string_view text;
  std::size_t skipped = 0;  // code points before it
  bool valid = true;        // the start is not behind the end of the text
};

Window window(const Value& self, const Matched& matched, std::size_t start_parameter) {
  const std::string_view text = self.as_string();
  const auto size = static_cast<std::int64_t>(self.as_text().code_points());
  const auto place = [&](std::size_t parameter, std::int64_t fallback) {
    if (!matched.has(parameter) || matched[parameter].is_none()) return fallback;
    const std::int64_t position = matched.integer(parameter);
    return position < 0 ? std::max<std::int64_t>(position + size, 0) : position;
  };
  const std::int64_t start = place(start_parameter, 0);
  const std::int64_t stop = std::min(place(start_parameter + 1, size), size);
  if (start > size || start > stop) return {.text = {}, .skipped = 0, .valid = false};
  const std::size_t begin = byte_offset(text, static_cast<std::size_t>(start));
  const std::size_t bytes = byte_offset(text.substr(begin), static_cast<std::size_t>(stop - start));
  return {.text = text.substr(begin, bytes), .skipped = static_cast<std::size_t>(start)};
}

std::int64_t position_of(std::string_view name, const Value& self, Arguments& arguments, bool last) {
  const Matched matched(name, arguments, {"sub", "start", "end"}, 1);
  const Window look = window(self, matched, 1);
  const std::size_t found = !look.valid ? kNone
                            : last      ? look.text.rfind(matched.text(0))
                                        : look.text.find(matched.text(0));
  if (found == kNone) return -1;
  return static_cast<std::int64_t>(look.skipped + count_code_points(look.text.substr(0, found)));
}

Value position_or_fail(std::string_view name, const Value& self, Arguments& arguments, bool last) {
  const std::int64_t position = position_of(name, self, arguments, last);
  if (position < 0) throw TemplateError(ErrorKind::kValue, "substring not found");
  return Value::integer(position);
}

Value has_affix(std::string_view name, const Value& self, Arguments& arguments, bool at_start) {
  const Matched matched(name, arguments, {"prefix", "start", "end"}, 1);
  const Window look = window(self, matched, 1);
  const auto matches = [&](const Value& affix) {
    if (!affix.is_string()) {
      throw TemplateError(ErrorKind::kType,
                          fmt::format("{} first arg must be str or a tuple of str, not {}", name, type_name(affix)));
    }
    if (!look.valid) return false;
    return at_start ? look.text.starts_with(affix.as_string()) : look.text.ends_with(affix.as_string());
  };
  if (!matched[0].is(Type::kTuple)) return Value::boolean(matches(matched[0]));
  return Value::boolean(std::ranges::any_of(matched[0].items(), matches));
}

}  // namespace

std::string_view strip_characters(std::string_view text, std::string_view characters, bool left, bool right) {
  const std::u32string set = to_code_points(characters);
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    std::size_t next = begin;
    if (set.find(next_code_point(text, next)) == std::u32string::npos) break;
    begin = next;
  }
  std::size_t end = begin;
  if (!right) return text.substr(begin);
  for (std::size_t at = begin; at < text.size();) {
    if (set.find(next_code_point(text, at)) == std::u32string::npos) end = at;
  }
  return text.substr(begin, end - begin);
}

std::string replace_text(Runtime& runtime, std::string_view text, std::string_view old, std::string_view with,
                         std::int64_t count) {
  std::string out;
  std::size_t begin = 0;
  const auto put = [&](std::string_view part) {
    if (out.size() + part.size() > runtime.options().limits.max_text_bytes) {
      runtime.budget().spend_text(out.size() + part.size());
    }
    out += part;
  };
  runtime.budget().spend(1 + text.size() / 64);
  for (std::int64_t done = 0; count < 0 || done < count; ++done) {
    runtime.budget().spend(1);
    if (old.empty()) {
      // Python puts it before each character and at the end.
      put(with);
      if (begin == text.size()) return out;
      const std::size_t at = begin;
      static_cast<void>(next_code_point(text, begin));
      put(text.substr(at, begin - at));
      continue;
    }
    const std::size_t found = text.find(old, begin);
    if (found == kNone) break;
    put(text.substr(begin, found - begin));
    put(with);
    begin = found + old.size();
  }
  put(text.substr(begin));
  return out;
}

Value split(Runtime& runtime, const Value& self, Arguments& arguments) {
  return split_from(runtime, self, arguments, false);
}

Value rsplit(Runtime& runtime, const Value& self, Arguments& arguments) {
  return split_from(runtime, self, arguments, true);
}

Value splitlines(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("splitlines", arguments, {"keepends"});
  return pieces(runtime, self, split_lines(self.as_string(), matched.flag(0)));
}

Value partition(Runtime& runtime, const Value& self, Arguments& arguments) {
  return partition_at(runtime, self, arguments, false);
}

Value rpartition(Runtime& runtime, const Value& self, Arguments& arguments) {
  return partition_at(runtime, self, arguments, true);
}

Value strip_both(Runtime& runtime, const Value& self, Arguments& arguments) {
  return strip_sides(runtime, self, arguments, true, true);
}

Value lstrip(Runtime& runtime, const Value& self, Arguments& arguments) {
  return strip_sides(runtime, self, arguments, true, false);
}

Value rstrip(Runtime& runtime, const Value& self, Arguments& arguments) {
  return strip_sides(runtime, self, arguments, false, true);
}

Value find(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return Value::integer(position_of("find", self, arguments, false));
}

Value rfind(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return Value::integer(position_of("rfind", self, arguments, true));
}

Value index(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return position_or_fail("index", self, arguments, false);
}

Value rindex(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return position_or_fail("rindex", self, arguments, true);
}

Value count(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  const Matched matched("count", arguments, {"sub", "start", "end"}, 1);
  const Window look = window(self, matched, 1);
  if (!look.valid) return Value::integer(0);
  const std::string& sub = matched.text(0);
  if (sub.empty()) return Value::integer(static_cast<std::int64_t>(count_code_points(look.text)) + 1);
  std::int64_t found = 0;
  for (std::size_t at = look.text.find(sub); at != kNone; at = look.text.find(sub, at + sub.size())) ++found;
  return Value::integer(found);
}

Value startswith(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return has_affix("startswith", self, arguments, true);
}

Value endswith(Runtime& /*runtime*/, const Value& self, Arguments& arguments) {
  return has_affix("endswith", self, arguments, false);
}

Value removeprefix(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("removeprefix", arguments, {"prefix"}, 1);
  std::string_view text = self.as_string();
  if (text.starts_with(matched.text(0))) text.remove_prefix(matched.text(0).size());
  return piece(runtime, self, text);
}

Value removesuffix(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("removesuffix", arguments, {"suffix"}, 1);
  std::string_view text = self.as_string();
  if (text.ends_with(matched.text(0))) text.remove_suffix(matched.text(0).size());
  return piece(runtime, self, text);
}

Value replace(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("replace", arguments, {"old", "new", "count"}, 2);
  const bool safe = self.as_text().safe;
  const std::string with =
      safe && !(matched[1].is_string() && matched[1].as_text().safe) ? escape_html(matched.text(1)) : matched.text(1);
  return runtime.text(replace_text(runtime, self.as_string(), matched.text(0), with, matched.integer(2, -1)), safe);
}

Value join(Runtime& runtime, const Value& self, Arguments& arguments) {
  const Matched matched("join", arguments, {"iterable"}, 1);
  const bool safe = self.as_text().safe;
  std::string out;
  const Ref<Iterator> items = iterate(matched[0]);
  std::size_t number = 0;
  for (Value item; items->next(runtime, item); ++number) {
    if (number > 0) out += self.as_string();
    if (safe) {
      const std::string text = to_text(item, runtime.budget());
      out += item.is_string() && item.as_text().safe ? text : escape_html(text);
    } else if (item.is_string()) {
      out += item.as_string();
    } else {
      throw TemplateError(ErrorKind::kType,
                          fmt::format("sequence item {}: expected str instance, {} found", number, type_name(item)));
    }
    runtime.budget().spend_text(out.size() > runtime.options().limits.max_text_bytes ? out.size() : 0);
  }
  return runtime.text(std::move(out), safe);
}

}  // namespace cambium::text::jinja::string_method
