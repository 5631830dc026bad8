#include "eval/json_text.h"

#include <limits>

#include "text/jinja_json.h"
#include "text/jinja_limits.h"

namespace cambium::eval {

namespace {

std::string dumped(const text::jinja::Value& value, const text::jinja::JsonStyle& style) {
  // The bounds are there for foreign templates; these are results of our own.
  text::jinja::Budget budget(text::jinja::Limits{.max_work = std::numeric_limits<std::size_t>::max(),
                                                 .max_nesting = 1'000,
                                                 .max_text_bytes = std::numeric_limits<std::size_t>::max()});
  return text::jinja::to_json(value, style, budget);
}

}  // namespace

std::string json_text(const text::jinja::Value& value) { return dumped(value, {}); }

std::string indented_json_text(const text::jinja::Value& value) {
  text::jinja::JsonStyle style;
  style.indent = "  ";
  style.item_separator = ",";
  return dumped(value, style);
}

}  // namespace cambium::eval
