// The tests behind `is`.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "text/jinja_filters.h"
#include "text/jinja_nearest.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

void no_arguments(Arguments& arguments) { const Matched matched("test", arguments, {}); }

bool remainder_is(Runtime& runtime, const Value& input, const Value& divisor, std::int64_t wanted) {
  const Value rest = apply(runtime, BinaryOperator::kModulo, input, divisor);
  return equal(rest, Value::integer(wanted), runtime.budget());
}

bool odd(Runtime& runtime, const Value& input, Arguments& arguments) {
  no_arguments(arguments);
  return remainder_is(runtime, input, Value::integer(2), 1);
}

bool even(Runtime& runtime, const Value& input, Arguments& arguments) {
  no_arguments(arguments);
  return remainder_is(runtime, input, Value::integer(2), 0);
}

bool divisibleby(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("divisibleby", arguments, {"num"}, 1);
  return remainder_is(runtime, input, matched[0], 0);
}

// Tests of the type alone.
template <bool (*Is)(const Value&)>
bool typed(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  no_arguments(arguments);
  return Is(input);
}

bool is_defined(const Value& value) { return !value.is_undefined(); }
bool is_undefined(const Value& value) { return value.is_undefined(); }
bool is_none(const Value& value) { return value.is_none(); }
bool is_boolean(const Value& value) { return value.is(Type::kBool); }
bool is_true(const Value& value) { return value.is(Type::kBool) && value.as_bool(); }
bool is_false(const Value& value) { return value.is(Type::kBool) && !value.as_bool(); }
bool is_integer(const Value& value) { return value.is(Type::kInt) || value.is(Type::kBigInt); }
bool is_float(const Value& value) { return value.is(Type::kFloat); }
bool is_number(const Value& value) { return value.is_number(); }
bool is_string(const Value& value) { return value.is_string(); }
bool is_mapping(const Value& value) { return value.is_dict(); }
bool is_escaped(const Value& value) { return value.is_string() && value.as_text().safe; }
bool is_callable(const Value& value) {
  return value.is_undefined() || (value.is(Type::kObject) && value.as_instance().callable());
}

// Has a length and items; a strict undefined has a length that cannot be had.
bool is_sequence(const Value& value) {
  if (value.is_undefined()) return !value.as_undefined().strict;
  if (value.is(Type::kObject)) return value.as_instance().subscriptable();
  return value.is_string() || value.is_sequence() || value.is_dict();
}

bool is_iterable(const Value& value) { return static_cast<bool>(iterate_if_possible(value)); }

bool cased(Runtime& runtime, const Value& input, Arguments& arguments, bool (*is)(char32_t) noexcept,
           bool (*is_not)(char32_t) noexcept) {
  no_arguments(arguments);
  const std::u32string text = to_code_points(to_text(input, runtime.budget()));
  return std::ranges::any_of(text, is) &&
         std::ranges::none_of(text, [&](char32_t c) { return is_not(c) || is_title(c); });
}

bool lower(Runtime& runtime, const Value& input, Arguments& arguments) {
  return cased(runtime, input, arguments, jinja::is_lower, jinja::is_upper);
}

bool upper(Runtime& runtime, const Value& input, Arguments& arguments) {
  return cased(runtime, input, arguments, jinja::is_upper, jinja::is_lower);
}

bool filter_exists(Runtime& runtime, const Value& input, Arguments& arguments) {
  no_arguments(arguments);
  return input.is_string() && find_filter(runtime.options(), input.as_string()) != nullptr;
}

bool test_exists(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  no_arguments(arguments);
  return input.is_string() && find_test(input.as_string()) != nullptr;
}

bool sameas(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("sameas", arguments, {"other"}, 1);
  return input.same_as(matched[0]);
}

template <Comparison kComparison>
bool compared(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("comparison", arguments, {"other"}, 1);
  return compare(runtime, kComparison, input, matched[0]);
}

const std::vector<Test>& all_tests() {
  static const std::vector<Test> tests = [] {
    std::vector<Test> all{
        {"!=", compared<Comparison::kNotEqual>},
        {"<", compared<Comparison::kLess>},
        {"<=", compared<Comparison::kLessEqual>},
        {"==", compared<Comparison::kEqual>},
        {">", compared<Comparison::kGreater>},
        {">=", compared<Comparison::kGreaterEqual>},
        {"boolean", typed<is_boolean>},
        {"callable", typed<is_callable>},
        {"defined", typed<is_defined>},
        {"divisibleby", divisibleby},
        {"eq", compared<Comparison::kEqual>},
        {"equalto", compared<Comparison::kEqual>},
        {"escaped", typed<is_escaped>},
        {"even", even},
        {"false", typed<is_false>},
        {"filter", filter_exists},
        {"float", typed<is_float>},
        {"ge", compared<Comparison::kGreaterEqual>},
        {"greaterthan", compared<Comparison::kGreater>},
        {"gt", compared<Comparison::kGreater>},
        {"in", compared<Comparison::kIn>},
        {"integer", typed<is_integer>},
        {"iterable", typed<is_iterable>},
        {"le", compared<Comparison::kLessEqual>},
        {"lessthan", compared<Comparison::kLess>},
        {"lower", lower},
        {"lt", compared<Comparison::kLess>},
        {"mapping", typed<is_mapping>},
        {"ne", compared<Comparison::kNotEqual>},
        {"none", typed<is_none>},
        {"number", typed<is_number>},
        {"odd", odd},
        {"sameas", sameas},
        {"sequence", typed<is_sequence>},
        {"string", typed<is_string>},
        {"test", test_exists},
        {"true", typed<is_true>},
        {"undefined", typed<is_undefined>},
        {"upper", upper},
    };
    std::ranges::sort(all, {}, &Test::name);
    return all;
  }();
  return tests;
}

}  // namespace

const Test* find_test(std::string_view name) {
  const auto& tests = all_tests();
  const auto found = std::ranges::lower_bound(tests, name, {}, &Test::name);
  return found != tests.end() && found->name == name ? &*found : nullptr;
}

std::string unknown_test(std::string_view name) {
  std::vector<std::string_view> known;
  for (const Test& test : all_tests()) known.push_back(test.name);
  return fmt::format("No test named '{}'.{}", name, nearest_names(name, known));
}

}  // namespace cambium::text::jinja
