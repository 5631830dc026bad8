#include "text/jinja_operators.h"

#include <fmt/format.h>

#include <cmath>

#include "text/jinja_format.h"
#include "text/jinja_number_text.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace cambium::text::jinja {
namespace {

std::string_view symbol(BinaryOperator operation) {
  static constexpr std::string_view kSymbols[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return kSymbols[static_cast<std::size_t>(operation)];
}

[[noreturn]] void fail_operands(std::string_view operation, const Value& left, const Value& right) {
  throw TemplateError(ErrorKind::kType, fmt::format("unsupported operand type(s) for {}: '{}' and '{}'", operation,
                                                    type_name(left), type_name(right)));
}

[[noreturn]] void fail_overflow() {
  throw TemplateError(ErrorKind::kOverflow, "an integer result does not fit 64 bits");
}

[[noreturn]] void fail_zero(const char* message) { throw TemplateError(ErrorKind::kZeroDivision, message); }

// -- numbers
// --------------------------------------------------------------------------------------------------------------

Value divide_down(std::int64_t left, std::int64_t right) {
  if (right == 0) fail_zero("integer division or modulo by zero");
  if (right == -1) {
    std::int64_t result = 0;
    if (__builtin_sub_overflow(std::int64_t{0}, left, &result)) fail_overflow();
    return Value::integer(result);
  }
  const std::int64_t quotient = left / right;
  return Value::integer(left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient);
}

Value modulo(std::int64_t left, std::int64_t right) {
  if (right == 0) fail_zero("integer modulo by zero");
  if (right == -1) return Value::integer(0);
  const std::int64_t rest = left % right;
  return Value::integer(rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest);
}

Value power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) fail_zero("0.0 cannot be raised to a negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t result = 1;
  std::int64_t factor = base;
  for (std::int64_t rest = exponent; rest > 0; rest /= 2) {
    if (rest % 2 == 1 && __builtin_mul_overflow(result, factor, &result)) fail_overflow();
    if (rest > 1 && __builtin_mul_overflow(factor, factor, &factor)) fail_overflow();
  }
  return Value::integer(result);
}

Value integer_arithmetic(BinaryOperator operation, std::int64_t left, std::int64_t right) {
  std::int64_t result = 0;
  switch (operation) {
    case BinaryOperator::kAdd:
      if (__builtin_add_overflow(left, right, &result)) fail_overflow();
      return Value::integer(result);
    case BinaryOperator::kSubtract:
      if (__builtin_sub_overflow(left, right, &result)) fail_overflow();
      return Value::integer(result);
    case BinaryOperator::kMultiply:
      if (__builtin_mul_overflow(left, right, &result)) fail_overflow();
      return Value::integer(result);
    case BinaryOperator::kDivide:
      if (right == 0) fail_zero("division by zero");
      return Value::real(static_cast<double>(left) / static_cast<double>(right));
    case BinaryOperator::kFloorDivide:
      return divide_down(left, right);
    case BinaryOperator::kModulo:
      return modulo(left, right);
    case BinaryOperator::kPower:
      return power(left, right);
  }
  return {};
}

// Python's float modulo has the sign of the divisor.
double float_modulo(double left, double right) {
  double rest = std::fmod(left, right);
  if (rest != 0) return (rest < 0) != (right < 0) ? rest + right : rest;
  return std::copysign(0.0, right);
}

double float_floor_divide(double left, double right) {
  const double rest = std::fmod(left, right);
  double quotient = (left - rest) / right;
  if (rest != 0 && (rest < 0) != (right < 0)) quotient -= 1;
  if (quotient == 0) return std::copysign(0.0, left / right);
  const double floored = std::floor(quotient);
  return quotient - floored > 0.5 ? floored + 1 : floored;
}

Value float_power(double left, double right) {
  if (left == 0 && right < 0) fail_zero("0.0 cannot be raised to a negative power");
  if (left < 0 && std::isfinite(left) && std::isfinite(right) && std::floor(right) != right) {
    throw TemplateError(ErrorKind::kValue, "a negative number to a fractional power is not a real number");
  }
  const double result = std::pow(left, right);
  if (std::isinf(result) && std::isfinite(left) && std::isfinite(right)) {
    throw TemplateError(ErrorKind::kOverflow, "(34, 'Numerical result out of range')");
  }
  return Value::real(result);
}

Value float_arithmetic(BinaryOperator operation, double left, double right) {
  switch (operation) {
    case BinaryOperator::kAdd:
      return Value::real(left + right);
    case BinaryOperator::kSubtract:
      return Value::real(left - right);
    case BinaryOperator::kMultiply:
      return Value::real(left * right);
    case BinaryOperator::kDivide:
      if (right == 0) fail_zero("float division by zero");
      return Value::real(left / right);
    case BinaryOperator::kFloorDivide:
      if (right == 0) fail_zero("float floor division by zero");
      return Value::real(float_floor_divide(left, right));
    case BinaryOperator::kModulo:
      if (right == 0) fail_zero("float modulo");
      return Value::real(float_modulo(left, right));
    case BinaryOperator::kPower:
      return float_power(left, right);
  }
  return {};
}

int order_of(double left, double right) { return left < right ? -1 : left > right ? 1 : left == right ? 0 : 2; }

// -1, 0, 1; 2 if a NaN is involved.
int order_numbers(const Value& left, const Value& right) {
  if (left.is_integral() && right.is_integral()) {
    return left.as_int() < right.as_int() ? -1 : left.as_int() > right.as_int() ? 1 : 0;
  }
  if (left.is(Type::kBigInt) && right.is(Type::kBigInt)) {
    const std::string& a = left.as_string();
    const std::string& b = right.as_string();
    const bool negative = a.front() == '-';
    if (negative != (b.front() == '-')) return negative ? -1 : 1;
    const int magnitude = a.size() != b.size() ? (a.size() < b.size() ? -1 : 1) : a.compare(b);
    return negative ? -magnitude : magnitude;
  }
  if (left.is(Type::kFloat) && right.is(Type::kFloat)) return order_of(left.as_float(), right.as_float());
  // 64 bits of mantissa hold any int64 exactly on x86-64, more elsewhere.
  const auto wide = [](const Value& value) {
    return value.is_integral() ? static_cast<long double>(value.as_int()) : static_cast<long double>(to_double(value));
  };
  const long double a = wide(left);
  const long double b = wide(right);
  return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
}

// -- sequences
// ------------------------------------------------------------------------------------------------------------

std::size_t repeated_size(std::size_t size, std::int64_t count, std::size_t limit) {
  if (count <= 0 || size == 0) return 0;
  std::size_t total = 0;
  if (__builtin_mul_overflow(size, static_cast<std::size_t>(count), &total) || total > limit) {
    throw TemplateError(ErrorKind::kLimit, fmt::format("repeating makes more than {} bytes or items", limit));
  }
  return total;
}

Value repeat(Runtime& runtime, const Value& value, std::int64_t count) {
  if (value.is_string()) {
    const std::string& text = value.as_string();
    const std::size_t total = repeated_size(text.size(), count, runtime.options().limits.max_text_bytes);
    runtime.budget().spend_text(total);
    std::string out;
    out.reserve(total);
    while (out.size() < total) out += text;
    return Value::string(std::move(out), value.as_text().safe);
  }
  const std::size_t total = repeated_size(value.items().size(), count, runtime.options().limits.max_work);
  runtime.budget().spend(total);
  std::vector<Value> items;
  items.reserve(total);
  while (items.size() < total) items.insert(items.end(), value.items().begin(), value.items().end());
  return value.is(Type::kList) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

Value add_sequences(Runtime& runtime, const Value& left, const Value& right) {
  if (left.is_string()) {
    const bool safe = left.as_text().safe || right.as_text().safe;
    const auto part = [&](const Value& value) {
      return safe && !value.as_text().safe ? escape_html(value.as_string()) : value.as_string();
    };
    runtime.budget().spend_text(left.as_string().size() + right.as_string().size());
    return Value::string(part(left) + part(right), safe);
  }
  runtime.budget().spend(left.items().size() + right.items().size());
  std::vector<Value> items = left.items();
  items.insert(items.end(), right.items().begin(), right.items().end());
  return left.is(Type::kList) ? Value::list(std::move(items)) : Value::tuple(std::move(items));
}

bool equal_sequences(const Value& left, const Value& right, Budget& budget) {
  if (&left.as_sequence() == &right.as_sequence()) return true;
  if (left.items().size() != right.items().size()) return false;
  const Budget::Level level(budget);
  for (std::size_t i = 0; i < left.items().size(); ++i) {
    if (!equal(left.items()[i], right.items()[i], budget)) return false;
  }
  return true;
}

bool equal_dicts(const DictObject& left, const DictObject& right, Budget& budget) {
  if (&left == &right) return true;
  if (left.size() != right.size()) return false;
  const Budget::Level level(budget);
  for (const auto& [key, value] : left.entries()) {
    const Value* other = right.find(key, budget);
    if (other == nullptr || !equal(value, *other, budget)) return false;
  }
  return true;
}

// -1, 0, 1, 2 (no order: NaN).
int order_sequences(const Value& left, const Value& right, Budget& budget) {
  const Budget::Level level(budget);
  const std::size_t shared = std::min(left.items().size(), right.items().size());
  for (std::size_t i = 0; i < shared; ++i) {
    if (equal(left.items()[i], right.items()[i], budget)) continue;
    if (less(left.items()[i], right.items()[i], budget)) return -1;
    return less(right.items()[i], left.items()[i], budget) ? 1 : 2;
  }
  return left.items().size() < right.items().size() ? -1 : left.items().size() > right.items().size() ? 1 : 0;
}

// -1, 0, 1, 2 (NaN).
int order(std::string_view sign, const Value& left, const Value& right, Budget& budget) {
  budget.spend(1);
  for (const Value* side : {&left, &right}) {
    if (side->is_undefined()) side->as_undefined().fail();
  }
  if (left.is_number() && right.is_number()) return order_numbers(left, right);
  if (left.is_string() && right.is_string()) {
    const int bytes = left.as_string().compare(right.as_string());  // UTF-8 sorts as its code points do
    return bytes < 0 ? -1 : bytes > 0 ? 1 : 0;
  }
  if (left.is_sequence() && left.type() == right.type()) return order_sequences(left, right, budget);
  throw TemplateError(ErrorKind::kType, fmt::format("'{}' not supported between instances of '{}' and '{}'", sign,
                                                    type_name(left), type_name(right)));
}

}  // namespace

double to_double(const Value& number) {
  if (number.is(Type::kFloat)) return number.as_float();
  if (!number.is(Type::kBigInt)) return static_cast<double>(number.as_int());
  return read_float(number.as_string()).value_or(0);
}

bool truthy(const Value& value) {
  switch (value.type()) {
    case Type::kUndefined:
      if (value.as_undefined().strict) value.as_undefined().fail();
      return false;
    case Type::kNone:
      return false;
    case Type::kBool:
    case Type::kInt:
      return value.as_int() != 0;
    case Type::kBigInt:
      return true;
    case Type::kFloat:
      return value.as_float() != 0;
    case Type::kString:
      return !value.as_string().empty();
    case Type::kTuple:
    case Type::kList:
      return !value.items().empty();
    case Type::kDict:
      return value.as_dict().size() > 0;
    case Type::kObject:
      return value.as_instance().truthy();
  }
  return false;
}

bool equal(const Value& left, const Value& right, Budget& budget) {
  budget.spend(1);
  for (const Value* side : {&left, &right}) {
    if (side->is_undefined() && side->as_undefined().strict) side->as_undefined().fail();
  }
  if (left.is_number() && right.is_number()) return order_numbers(left, right) == 0;
  if (left.type() != right.type()) return false;
  switch (left.type()) {
    case Type::kUndefined:
    case Type::kNone:
      return true;
    case Type::kString:
      return left.as_string() == right.as_string();
    case Type::kTuple:
    case Type::kList:
      return equal_sequences(left, right, budget);
    case Type::kDict:
      return equal_dicts(left.as_dict(), right.as_dict(), budget);
    case Type::kObject:
      return left.as_instance().equals(right.as_instance(), budget);
    default:
      return false;
  }
}

bool less(const Value& left, const Value& right, Budget& budget) { return order("<", left, right, budget) == -1; }

bool compare(Runtime& runtime, Comparison comparison, const Value& left, const Value& right) {
  Budget& budget = runtime.budget();
  switch (comparison) {
    case Comparison::kEqual:
      return equal(left, right, budget);
    case Comparison::kNotEqual:
      return !equal(left, right, budget);
    case Comparison::kLess:
      return order("<", left, right, budget) == -1;
    case Comparison::kGreater:
      return order(">", left, right, budget) == 1;
    case Comparison::kLessEqual: {
      const int result = order("<=", left, right, budget);
      return result == -1 || result == 0;
    }
    case Comparison::kGreaterEqual: {
      const int result = order(">=", left, right, budget);
      return result == 1 || result == 0;
    }
    case Comparison::kIn:
      return contains(runtime, right, left);
    case Comparison::kNotIn:
      return !contains(runtime, right, left);
  }
  return false;
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  switch (container.type()) {
    case Type::kString:
      if (!item.is_string()) {
        throw TemplateError(ErrorKind::kType,
                            fmt::format("'in <string>' requires string as left operand, not {}", type_name(item)));
      }
      runtime.budget().spend(1 + container.as_string().size() / 64);
      return container.as_string().find(item.as_string()) != std::string::npos;
    case Type::kTuple:
    case Type::kList:
      for (const Value& candidate : container.items()) {
        if (equal(candidate, item, runtime.budget())) return true;
      }
      return false;
    case Type::kDict:
      return container.as_dict().find(item, runtime.budget()) != nullptr;
    default:
      break;
  }
  const Ref<Iterator> iterator = iterate_if_possible(container);
  if (!iterator) {
    throw TemplateError(ErrorKind::kType, fmt::format("argument of type '{}' is not iterable", type_name(container)));
  }
  for (Value candidate; iterator->next(runtime, candidate);) {
    if (equal(candidate, item, runtime.budget())) return true;
  }
  return false;
}

Value apply(Runtime& runtime, BinaryOperator operation, const Value& left, const Value& right) {
  if (operation == BinaryOperator::kModulo && left.is_string()) {
    // A format may ignore an undefined value's type; what it prints it takes as text.
    return runtime.text(format_percent(runtime, left, right), left.as_text().safe);
  }
  for (const Value* side : {&left, &right}) {
    if (side->is_undefined()) side->as_undefined().fail();
  }
  if (left.is_integral() && right.is_integral()) return integer_arithmetic(operation, left.as_int(), right.as_int());
  if (left.is_number() && right.is_number()) {
    if (!left.is(Type::kFloat) && !right.is(Type::kFloat)) fail_overflow();
    return float_arithmetic(operation, to_double(left), to_double(right));
  }
  if (operation == BinaryOperator::kAdd && left.type() == right.type() && (left.is_string() || left.is_sequence())) {
    return add_sequences(runtime, left, right);
  }
  if (operation == BinaryOperator::kMultiply) {
    if ((left.is_string() || left.is_sequence()) && right.is_integral()) return repeat(runtime, left, right.as_int());
    if ((right.is_string() || right.is_sequence()) && left.is_integral()) return repeat(runtime, right, left.as_int());
  }
  if (operation == BinaryOperator::kAdd && (left.is_string() || left.is_sequence())) {
    const std::string_view type = left.is_string() ? "str" : type_name(left);
    throw TemplateError(ErrorKind::kType,
                        fmt::format("can only concatenate {0} (not \"{1}\") to {0}", type, type_name(right)));
  }
  fail_operands(symbol(operation), left, right);
}

Value negate(const Value& value) {
  if (value.is_undefined()) value.as_undefined().fail();
  if (value.is(Type::kFloat)) return Value::real(-value.as_float());
  if (value.is(Type::kBigInt)) {
    const std::string& digits = value.as_string();
    return Value::integer_from_digits(digits.front() == '-' ? digits.substr(1) : "-" + digits);
  }
  if (!value.is_integral()) {
    throw TemplateError(ErrorKind::kType, fmt::format("bad operand type for unary -: '{}'", type_name(value)));
  }
  std::int64_t result = 0;
  if (__builtin_sub_overflow(std::int64_t{0}, value.as_int(), &result)) fail_overflow();
  return Value::integer(result);
}

Value plus(const Value& value) {
  if (value.is_undefined()) value.as_undefined().fail();
  if (!value.is_number()) {
    throw TemplateError(ErrorKind::kType, fmt::format("bad operand type for unary +: '{}'", type_name(value)));
  }
  return value.is(Type::kBool) ? Value::integer(value.as_int()) : value;
}

}  // namespace cambium::text::jinja
