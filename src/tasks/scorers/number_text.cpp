#include "tasks/scorers/number_text.h"

#include <algorithm>
#include <cmath>

#include "text/jinja_number_text.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

double value_of(std::string_view written) {
  std::string digits;
  for (const char c : written) {
    if (c != ',') digits += c;
  }
  return jinja::read_float(digits).value_or(0);
}

}  // namespace

std::vector<FoundNumber> find_numbers(std::string_view text) {
  static const PythonRegex kNumber(
      R"((?:(?<![\w)\]])-)?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)(?:[eE][-+]?[0-9]+(?![\w]))?)");
  std::vector<FoundNumber> numbers;
  for (const PythonRegex::Match& match : kNumber.find_all(text)) {
    FoundNumber number{match.group(text, 0), 0, match.begin(), match.end()};
    // "$-5" and "-$5" are both minus five.
    std::string_view before = text.substr(0, number.begin);
    const bool minus = before.ends_with("-$") &&
                       (before.size() == 2 || !jinja::is_alnum(static_cast<unsigned char>(before[before.size() - 3])));
    number.value = value_of(number.text) * (minus ? -1 : 1);
    numbers.push_back(number);
  }
  return numbers;
}

std::optional<double> read_number(std::string_view text) {
  text = jinja::strip(text);
  while (!text.empty() && (text.ends_with('.') || text.ends_with('%') || text.ends_with('$') || text.ends_with('*'))) {
    text.remove_suffix(1);
  }
  const std::vector<FoundNumber> numbers = find_numbers(text);
  if (numbers.empty() || numbers.size() > 2) return std::nullopt;
  std::string around(text.substr(0, numbers[0].begin));
  around += numbers.size() == 2 ? text.substr(numbers[0].end, numbers[1].begin - numbers[0].end) : "";
  around += text.substr(numbers.back().end);
  std::string rest;
  for (std::size_t position = 0; position < around.size();) {
    const char32_t c = jinja::next_code_point(around, position);
    const bool allowed = jinja::is_space(c) || c == '$' || c == '%' || c == '-' || c == '+' || c == '*' || c == U'€' ||
                         c == U'£' || c == U'¥';
    if (!allowed) jinja::append_code_point(rest, c);
  }
  if (numbers.size() == 1) return rest.empty() ? std::optional(numbers[0].value) : std::nullopt;
  if (rest != "/" || numbers[1].value == 0) return std::nullopt;
  return numbers[0].value / numbers[1].value;
}

bool equal_numbers(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

}  // namespace cambium::tasks
