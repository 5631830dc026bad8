#include "checkpoint/json_splice.h"

#include <cassert>

#include "checkpoint/json.h"

namespace cambium::checkpoint {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

// Behind the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

// Behind the value that begins at `at`.
std::size_t skip_value(std::string_view text, std::size_t at) {
  int depth = 0;
  do {
    const char c = text[at];
    if (c == '"') {
      at = skip_string(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
      ++at;
    } else if (c == '}' || c == ']') {
      --depth;
      ++at;
    } else if (depth > 0) {
      ++at;
    } else {
      at = text.find_first_of(",]} \n\r\t", at);
      return at == std::string_view::npos ? text.size() : at;
    }
  } while (depth > 0);
  return at;
}

}  // namespace

std::string JsonPart::name() const {
  const std::string_view inner = key.substr(1, key.size() - 2);
  return inner.find('\\') == std::string_view::npos ? std::string(inner) : parse_json(key, "key").get<std::string>();
}

std::vector<JsonPart> json_parts(std::string_view container) {
  std::vector<JsonPart> parts;
  std::size_t at = skip_blanks(container, 0);
  assert(at < container.size() && (container[at] == '{' || container[at] == '['));
  const bool object = container[at] == '{';
  const char closing = object ? '}' : ']';
  for (at = skip_blanks(container, at + 1); container[at] != closing; at = skip_blanks(container, at)) {
    if (container[at] == ',') at = skip_blanks(container, at + 1);
    JsonPart part;
    if (object) {
      const std::size_t end = skip_string(container, at);
      part.key = container.substr(at, end - at);
      at = skip_blanks(container, skip_blanks(container, end) + 1);  // over the colon
    }
    const std::size_t end = skip_value(container, at);
    part.value = container.substr(at, end - at);
    parts.push_back(part);
    at = end;
  }
  return parts;
}

std::string_view json_member(std::string_view object, std::string_view name) {
  for (const JsonPart& part : json_parts(object)) {
    if (part.name() == name) return part.value;
  }
  return {};
}

std::string json_replaced(std::string_view text, std::string_view old, std::string_view replacement) {
  const auto begin = static_cast<std::size_t>(old.data() - text.data());
  assert(begin + old.size() <= text.size());
  std::string result;
  result.reserve(text.size() - old.size() + replacement.size());
  result.append(text.substr(0, begin)).append(replacement).append(text.substr(begin + old.size()));
  return result;
}

}  // namespace cambium::checkpoint
