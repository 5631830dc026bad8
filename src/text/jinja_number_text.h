#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text/jinja_value.h"

// Numbers as Python writes and reads them.
namespace cambium::text::jinja {

/// Digits in base 2, 8, 10 or 16 (lower case, no prefix), with a leading '-'.
[[nodiscard]] std::string integer_text(std::int64_t value, int base);
/// The whole part of a float as decimal digits, exactly. @throws TemplateError  infinite (kOverflow), NaN (kValue)
[[nodiscard]] std::string whole_text(double value);
/// As C's printf with type e, E, f, F, g or G; not-a-number and infinity as Python spells them.
[[nodiscard]] std::string real_text(double value, char type, int precision, bool alternate);
/// round(value, digits): to the nearest, halves to even, judged by the exact decimal expansion.
[[nodiscard]] double round_decimal(double value, int digits);

/// int(text, base): blanks around, a sign, underscores between digits, 0x 0o 0b where the base fits; nothing if
/// malformed.
[[nodiscard]] std::optional<Value> read_integer(std::string_view text, int base);
/// float(text); nothing if malformed.
[[nodiscard]] std::optional<double> read_float(std::string_view text);

}  // namespace cambium::text::jinja
