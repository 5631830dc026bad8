// Filters that lm-evaluation-harness adds.
#include "tensor/error.h"
#include "text/jinja_filters.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/python_regex.h"

namespace cambium::text::jinja {
namespace {

Value regex_replace(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("regex_replace", arguments, {"pattern", "repl", "count"}, 2);
  if (input.is_undefined()) input.as_undefined().fail();
  if (!input.is_string()) throw TemplateError(ErrorKind::kType, "expected string or bytes-like object");
  const std::int64_t count = matched.integer(2, 0);
  try {
    const PythonRegex regex(matched.text(0));
    if (count < 0) return input;
    return runtime.text(regex.substitute(input.as_string(), matched.text(1), static_cast<std::size_t>(count)));
  } catch (const ValueError& error) {
    throw TemplateError(ErrorKind::kValue, error.what());
  }
}

}  // namespace

std::span<const Filter> regex_filters() {
  static constexpr Filter kFilters[] = {{"regex_replace", regex_replace}};
  return kFilters;
}

}  // namespace cambium::text::jinja
