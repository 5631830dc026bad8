#pragma once

#include <span>
#include <string_view>

#include "text/jinja_objects.h"
#include "text/jinja_options.h"
#include "text/jinja_value.h"

namespace cambium::text::jinja {

/// `input | name(arguments)`. Throws TemplateError as Jinja2 raises.
struct Filter {
  using Function = Value (*)(Runtime& runtime, const Value& input, Arguments& arguments);
  std::string_view name;
  Function function;
};

/// `input is name(arguments)`.
struct Test {
  using Function = bool (*)(Runtime& runtime, const Value& input, Arguments& arguments);
  std::string_view name;
  Function function;
};

// The parts of the table, one a file; each row's behaviour is Jinja2's filter of that name.
[[nodiscard]] std::span<const Filter> text_filters();
[[nodiscard]] std::span<const Filter> markup_filters();
[[nodiscard]] std::span<const Filter> number_filters();
[[nodiscard]] std::span<const Filter> sequence_filters();
[[nodiscard]] std::span<const Filter> selection_filters();
/// Only with Options::regex_filters.
[[nodiscard]] std::span<const Filter> regex_filters();

/// Null: no filter (or test) of that name.
[[nodiscard]] const Filter* find_filter(const Options& options, std::string_view name);
[[nodiscard]] const Test* find_test(std::string_view name);
/// "No filter named 'x'", with the nearest known names.
[[nodiscard]] std::string unknown_filter(const Options& options, std::string_view name);
[[nodiscard]] std::string unknown_test(std::string_view name);

}  // namespace cambium::text::jinja
