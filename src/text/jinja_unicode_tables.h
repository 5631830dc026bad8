#pragma once

#include <array>
#include <span>

// What utf8proc does not know of Unicode (14.0): mappings to several characters and properties beyond the general
// category.
namespace cambium::text::jinja {

struct CodePointRange {
  char32_t first;
  char32_t last;
};

/// A case mapping from one character to several (unused places are 0). Tables are sorted by `from`.
struct SpecialCase {
  char32_t from;
  std::array<char32_t, 3> to;
};

[[nodiscard]] std::span<const SpecialCase> special_upper_case() noexcept;
[[nodiscard]] std::span<const SpecialCase> special_title_case() noexcept;
/// Digits that are not decimal digits (superscripts, circled digits ...).
[[nodiscard]] std::span<const CodePointRange> digits_not_decimal() noexcept;
/// Letters with a numeric value (ideographs).
[[nodiscard]] std::span<const CodePointRange> numeric_letters() noexcept;
/// Lower- and upper-case characters outside the categories Ll and Lu.
[[nodiscard]] std::span<const CodePointRange> lower_case_not_letters() noexcept;
[[nodiscard]] std::span<const CodePointRange> upper_case_not_letters() noexcept;

}  // namespace cambium::text::jinja
