#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::tasks {

/// A number in a text.
struct FoundNumber {
  std::string_view text;  ///< as written, with its sign, without currency
  double value = 0;
  std::size_t begin = 0;  ///< its place in the text
  std::size_t end = 0;
};

/// All numbers of a text: 3, -2.5, .5, 1,234.50, 1e-3. A minus directly behind a letter, digit or bracket is an
/// operator or a hyphen; a comma counts between digits where three follow.
[[nodiscard]] std::vector<FoundNumber> find_numbers(std::string_view text);

/// A whole text as a number, with currency, percent sign, commas, blanks and a closing period allowed; fractions a/b.
[[nodiscard]] std::optional<double> read_number(std::string_view text);

/// |a - b| <= tolerance * max(1, |b|)
[[nodiscard]] bool equal_numbers(double a, double b, double tolerance);

}  // namespace cambium::tasks
