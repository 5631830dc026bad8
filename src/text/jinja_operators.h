#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "text/jinja_objects.h"
#include "text/jinja_value.h"

// Python's operators on values. All throw TemplateError as Python raises: TypeError, OverflowError, ZeroDivisionError
// ...; an undefined operand raises UndefinedError where Jinja's Undefined does.
namespace cambium::text::jinja {

enum class BinaryOperator { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

[[nodiscard]] bool truthy(const Value& value);
[[nodiscard]] bool equal(const Value& left, const Value& right, Budget& budget);
/// left < right. @throws TemplateError (kType)  the two have no order
[[nodiscard]] bool less(const Value& left, const Value& right, Budget& budget);
[[nodiscard]] bool compare(Runtime& runtime, Comparison comparison, const Value& left, const Value& right);
/// item in container
[[nodiscard]] bool contains(Runtime& runtime, const Value& container, const Value& item);
[[nodiscard]] Value apply(Runtime& runtime, BinaryOperator operation, const Value& left, const Value& right);
[[nodiscard]] Value negate(const Value& value);
[[nodiscard]] Value plus(const Value& value);
[[nodiscard]] double to_double(const Value& number);

/// len(value). @throws TemplateError (kType)
[[nodiscard]] std::int64_t length(Runtime& runtime, const Value& value);
/// Nothing: the value has no len().
[[nodiscard]] std::optional<std::int64_t> length_if_any(Runtime& runtime, const Value& value);
/// iter(value). @throws TemplateError (kType)
[[nodiscard]] Ref<Iterator> iterate(const Value& value);
/// Null: not iterable.
[[nodiscard]] Ref<Iterator> iterate_if_possible(const Value& value);
/// list(value)
[[nodiscard]] std::vector<Value> collect(Runtime& runtime, const Value& value);
/// reversed(value), null if Python cannot reverse the type.
[[nodiscard]] Ref<Iterator> iterate_backwards(const Value& value);

/// value[start:stop:step]; each bound an integer or None.
[[nodiscard]] Value slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop,
                          const Value& step);

}  // namespace cambium::text::jinja
