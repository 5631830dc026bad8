// Filters that make or change numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/jinja_filters.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"

namespace cambium::text::jinja {
namespace {

Value absolute(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("abs", arguments, {});
  if (input.is_undefined()) input.as_undefined().fail();
  if (input.is(Type::kFloat)) return Value::real(std::abs(input.as_float()));
  if (!input.is_number()) {
    throw TemplateError(ErrorKind::kType, fmt::format("bad operand type for abs(): '{}'", type_name(input)));
  }
  const bool negative = input.is(Type::kBigInt) ? input.as_string().front() == '-' : input.as_int() < 0;
  return negative ? negate(input) : plus(input);
}

Value to_integer(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("int", arguments, {"default", "base"});
  const Value fallback = matched.has(0) ? matched[0] : Value::integer(0);
  const auto base = static_cast<int>(matched.integer(1, 10));
  if (input.is_undefined()) input.as_undefined().fail();
  if (input.is(Type::kBigInt)) return input;
  if (input.is_integral()) return Value::integer(input.as_int());
  if (input.is(Type::kFloat)) {
    if (std::isnan(input.as_float())) return fallback;
    return Value::integer_from_digits(whole_text(input.as_float()));
  }
  if (!input.is_string()) return fallback;
  if (base != 0 && (base < 2 || base > 36)) return fallback;
  if (const std::optional<Value> whole = read_integer(input.as_string(), base)) return *whole;
  const std::optional<double> real = read_float(input.as_string());
  if (!real || !std::isfinite(*real)) return fallback;
  return Value::integer_from_digits(whole_text(*real));
}

Value to_float(Runtime& /*runtime*/, const Value& input, Arguments& arguments) {
  const Matched matched("float", arguments, {"default"});
  const Value fallback = matched.has(0) ? matched[0] : Value::real(0);
  if (input.is_undefined()) input.as_undefined().fail();
  if (input.is_number()) return Value::real(to_double(input));
  if (!input.is_string()) return fallback;
  const std::optional<double> real = read_float(input.as_string());
  return real ? Value::real(*real) : fallback;
}

// round(int, -digits): to a power of ten, halves to even.
Value round_integer(std::int64_t value, std::int64_t digits) {
  if (digits <= 0) return Value::integer(value);
  if (digits > 18) return Value::integer(0);
  std::int64_t unit = 1;
  for (std::int64_t i = 0; i < digits; ++i) unit *= 10;
  std::int64_t quotient = value / unit;
  std::int64_t rest = value % unit;
  if (rest < 0) {
    rest += unit;
    --quotient;
  }
  if (rest > unit - rest || (rest == unit - rest && quotient % 2 != 0)) ++quotient;
  std::int64_t result = 0;
  if (__builtin_mul_overflow(quotient, unit, &result)) {
    throw TemplateError(ErrorKind::kOverflow, "a rounded integer does not fit 64 bits");
  }
  return Value::integer(result);
}

Value round(Runtime& runtime, const Value& input, Arguments& arguments) {
  const Matched matched("round", arguments, {"precision", "method"});
  const std::int64_t precision = matched.integer(0, 0);
  const std::string method = matched.has(1) ? matched.text(1) : "common";
  if (method != "common" && method != "ceil" && method != "floor") {
    throw TemplateError(ErrorKind::kRuntime, "method must be common, ceil or floor");
  }
  if (input.is_undefined()) input.as_undefined().fail();
  if (!input.is_number()) {
    throw TemplateError(ErrorKind::kType, fmt::format("type {} doesn't define __round__ method", type_name(input)));
  }
  if (method == "common") {
    if (input.is(Type::kBigInt)) return input;
    if (input.is_integral()) return round_integer(input.as_int(), -precision);
    const auto digits = static_cast<int>(std::clamp<std::int64_t>(precision, -400, 400));
    return Value::real(round_decimal(input.as_float(), digits));
  }
  const Value scale = apply(runtime, BinaryOperator::kPower, Value::integer(10), Value::integer(precision));
  const double scaled = to_double(apply(runtime, BinaryOperator::kMultiply, input, scale));
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / to_double(scale));
}

}  // namespace

std::span<const Filter> number_filters() {
  static constexpr Filter kFilters[] = {
      {"abs", absolute},
      {"float", to_float},
      {"int", to_integer},
      {"round", round},
  };
  return kFilters;
}

}  // namespace cambium::text::jinja
