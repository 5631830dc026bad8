#include "tasks/answer_errors/equation_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "tasks/scorers/number_text.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

constexpr std::size_t kLongestSide = 40;  // tokens
constexpr int kDeepest = 16;              // brackets

struct Token {
  enum class Kind { kNumber, kOperator, kUnit, kPercent, kEquals, kOther };
  Kind kind = Kind::kOther;
  char symbol = 0;        ///< of an operator or bracket
  std::string_view text;  ///< as written
  double value = 0;
  int decimals = 0;  ///< of a number, behind its point
};

// Other spellings of the operators; LaTeX's fractions become quotients.
std::string plain_operators(std::string_view line) {
  static const PythonRegex kFraction(R"(\\[dt]?frac\{([^{}]*)\}\{([^{}]*)\})");
  static const PythonRegex kTimes(R"(\\times|\\cdot|×|·|⋅|∗)");
  static const PythonRegex kLetterTimes(R"((?<=[0-9)])(\s?)[xX](\s?)(?=[$]?[0-9(]))");
  static const PythonRegex kOver(R"(\\div|÷)");
  static const PythonRegex kMinus("−|–");
  static const PythonRegex kDropped(R"(\\left|\\right|\\[,;!]|\\(?=[$%])|[$€£]|\*\*)");
  static const PythonRegex kBullet(R"(^\s*(?:[-*+•]|[0-9]+[.)])\s+)");
  std::string out = kFraction.substitute(kBullet.substitute(line, ""), R"(((\1)/(\2)))");
  out = kTimes.substitute(out, "*");
  out = kLetterTimes.substitute(out, R"(\1*\2)");
  out = kOver.substitute(out, "/");
  out = kMinus.substitute(out, "-");
  return kDropped.substitute(out, "");
}

std::vector<Token> tokens_of(std::string_view line) {
  static const PythonRegex kToken(
      R"((?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+)|(?P<word>[^\W\d_][\w'’]*)|(?P<equals>=+|≈)|(?P<symbol>[-+*/^()])|(?P<percent>%)|\S)");
  std::vector<Token> tokens;
  bool blank_before = true;
  std::size_t done = 0;
  for (const PythonRegex::Match& match : kToken.find_all(line)) {
    blank_before = match.begin() > done;
    done = match.end();
    Token token;
    token.text = match.group(line, 0);
    const bool behind_number = !tokens.empty() && tokens.back().kind == Token::Kind::kNumber;
    if (match.groups[1]) {
      token.kind = Token::Kind::kNumber;
      token.value = read_number(token.text).value_or(0);
      const std::size_t point = token.text.find('.');
      if (point != std::string_view::npos) token.decimals = static_cast<int>(token.text.size() - point - 1);
      // "3a4", "7.2.1" and the like are names.
      if (!blank_before && !tokens.empty() && (tokens.back().kind == Token::Kind::kUnit || behind_number)) {
        token.kind = Token::Kind::kOther;
      }
    } else if (match.groups[2]) {
      // A word glued to a number is algebra.
      token.kind = blank_before || tokens.empty() ? Token::Kind::kUnit : Token::Kind::kOther;
    } else if (match.groups[3]) {
      token.kind = token.text == "=" || token.text == "≈" ? Token::Kind::kEquals : Token::Kind::kOther;
    } else if (match.groups[4]) {
      token.kind = Token::Kind::kOperator;
      token.symbol = token.text[0];
    } else if (match.groups[5]) {
      token.kind = Token::Kind::kPercent;
    }
    tokens.push_back(token);
  }
  return tokens;
}

/// Evaluates tokens by recursive descent.
class Calculator {
 public:
  Calculator(std::span<const Token> tokens, bool hundredths) : tokens_(tokens), hundredths_(hundredths) {}

  /// The value of all tokens; nothing if they are no expression.
  std::optional<double> all() {
    const std::optional<double> value = sum();
    if (!value || position_ != tokens_.size() || !std::isfinite(*value)) return std::nullopt;
    return value;
  }

 private:
  [[nodiscard]] bool at(char symbol) const {
    return position_ < tokens_.size() && tokens_[position_].kind == Token::Kind::kOperator &&
           tokens_[position_].symbol == symbol;
  }
  bool take(char symbol) {
    if (!at(symbol)) return false;
    ++position_;
    return true;
  }
  std::optional<double> sum() {
    std::optional<double> value = product();
    while (value && (at('+') || at('-'))) {
      const bool minus = tokens_[position_++].symbol == '-';
      const std::optional<double> next = product();
      if (!next) return std::nullopt;
      value = minus ? *value - *next : *value + *next;
    }
    return value;
  }
  std::optional<double> product() {
    std::optional<double> value = power();
    while (value && (at('*') || at('/'))) {
      const bool over = tokens_[position_++].symbol == '/';
      const std::optional<double> next = power();
      if (!next || (over && *next == 0)) return std::nullopt;
      value = over ? *value / *next : *value * *next;
    }
    return value;
  }
  std::optional<double> power() {
    const std::optional<double> base = factor();
    if (!base || !take('^')) return base;
    const std::optional<double> exponent = factor();
    if (!exponent) return std::nullopt;
    return std::pow(*base, *exponent);
  }
  std::optional<double> factor() {
    if (position_ == tokens_.size()) return std::nullopt;
    if (take('-')) {
      const std::optional<double> value = number_or_bracket();
      return value ? std::optional(-*value) : std::nullopt;
    }
    return number_or_bracket();
  }
  std::optional<double> number_or_bracket() {
    std::optional<double> value;
    if (take('(')) {
      if (++depth_ > kDeepest) return std::nullopt;
      value = sum();
      --depth_;
      if (!value || !take(')')) return std::nullopt;
    } else if (position_ < tokens_.size() && tokens_[position_].kind == Token::Kind::kNumber) {
      value = tokens_[position_++].value;
    } else {
      return std::nullopt;
    }
    if (position_ < tokens_.size() && tokens_[position_].kind == Token::Kind::kPercent) {
      ++position_;
      if (hundredths_) *value /= 100;
    }
    return value;
  }

  std::span<const Token> tokens_;
  bool hundredths_;
  std::size_t position_ = 0;
  int depth_ = 0;
};

bool is_calculated(const Token& token) {
  return token.kind == Token::Kind::kNumber || token.kind == Token::Kind::kOperator ||
         token.kind == Token::Kind::kPercent;
}

std::string singular(std::string_view unit) {
  std::string word = jinja::to_lower(unit);
  if (word.ends_with('s')) word.pop_back();
  return word;
}

// Words that calculate, or scale a number, rather than name a unit.
bool is_operation(std::string_view word) {
  constexpr std::array<std::string_view, 24> kWords{
      "of",  "times", "plus", "minus", "by",  "over",    "per",  "less",  "more",     "than",    "log",     "ln",
      "sin", "cos",   "tan",  "sqrt",  "mod", "hundred", "half", "dozen", "thousand", "million", "billion", "trillion"};
  return std::ranges::find(kWords, jinja::to_lower(word)) != kWords.end();
}

/// One side of an equation: its tokens without units.
struct Side {
  std::vector<Token> tokens;
  std::vector<std::string> units;
  bool unclear = false;  ///< what stands next to it may belong to it
  [[nodiscard]] bool has_sum() const {
    return std::ranges::any_of(tokens, [](const Token& t) { return t.symbol == '+' || t.symbol == '-'; });
  }
  [[nodiscard]] bool calculates() const {
    return tokens.size() >= 3 && std::ranges::any_of(tokens, [](const Token& t) {
             return t.kind == Token::Kind::kOperator && t.symbol != '(' && t.symbol != ')';
           });
  }
  [[nodiscard]] bool one_unit() const {
    return std::ranges::adjacent_find(units, std::not_equal_to<>()) == units.end();
  }
};

// Numbers and operators next to each other in `range`, units passed over. From its end backwards, or from its start on.
Side side_of(std::span<const Token> range, bool from_end) {
  Side side;
  const auto is_unit_at = [&](std::size_t i) {
    return range[i].kind == Token::Kind::kUnit && i > 0 && !is_operation(range[i].text) &&
           (range[i - 1].kind == Token::Kind::kNumber || range[i - 1].symbol == ')');
  };
  for (std::size_t step = 0; step < range.size(); ++step) {
    const std::size_t i = from_end ? range.size() - 1 - step : step;
    if (side.tokens.size() == kLongestSide) {
      side.unclear = true;
      break;
    }
    if (is_calculated(range[i])) {
      side.tokens.push_back(range[i]);
    } else if (is_unit_at(i)) {
      side.units.push_back(singular(range[i].text));
    } else {
      // Behind "y" in "y - 3" or "f" in "f(3)" a calculation is only half seen.
      const bool is_word = jinja::is_alnum(static_cast<unsigned char>(range[i].text[0]));
      const bool opens = !side.tokens.empty() && side.tokens.back().kind == Token::Kind::kOperator;
      side.unclear =
          is_operation(range[i].text) || (from_end && opens && (is_word || side.tokens.back().symbol != '('));
      break;
    }
  }
  if (from_end) std::ranges::reverse(side.tokens);
  return side;
}

std::optional<double> value_of(std::span<const Token> tokens, bool hundredths) {
  return Calculator(tokens, hundredths).all();
}

// The longest part of a side that is an expression: ends at its end, or begins at its start.
std::span<const Token> expression_in(const Side& side, bool from_end) {
  std::span<const Token> tokens = side.tokens;
  while (!tokens.empty() && !value_of(tokens, false)) {
    tokens = from_end ? tokens.subspan(1) : tokens.first(tokens.size() - 1);
  }
  return tokens;
}

// What rounding to the written digits, or cutting the rest off, may change.
bool explained(double left, double right, int decimals) {
  const double digit = std::pow(10.0, -decimals);
  const double difference = std::abs(left - right);
  const bool whole = decimals == 0 && std::abs(left - std::round(left)) < 1e-9 * std::max(1.0, std::abs(left));
  return difference <= 1e-9 * std::max(1.0, std::abs(right)) || (!whole && difference < digit);
}

std::string written(std::span<const Token> tokens) {
  std::string out;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool tight = tokens[i].symbol == ')' || tokens[i].kind == Token::Kind::kPercent ||
                       (i > 0 && tokens[i - 1].symbol == '(') || i == 0;
    out += (tight ? "" : " ") + std::string(tokens[i].text);
  }
  return out;
}

std::optional<WrongEquation> wrong_between(std::span<const Token> before, std::span<const Token> behind) {
  const Side left = side_of(before, true);
  const Side right = side_of(behind, false);
  if (left.unclear || right.unclear || !left.calculates() || right.tokens.empty() || right.tokens[0].symbol == '(') {
    return std::nullopt;
  }
  if (left.has_sum() && !left.one_unit()) return std::nullopt;
  // "30 + 60 minutes = 1.5 hours" is a conversion.
  if (!left.units.empty() && !right.units.empty() &&
      std::ranges::find(left.units, right.units.front()) == left.units.end()) {
    return std::nullopt;
  }
  const std::span<const Token> expression = expression_in(left, true);
  if (expression.size() < left.tokens.size()) return std::nullopt;  // something in front belongs to it
  // The right side's own result, or the number a longer calculation begins with.
  const std::span<const Token> whole = expression_in(right, false);
  const bool negative = right.tokens[0].symbol == '-';
  const std::size_t numbers_end = negative ? 2 : 1;
  if (whole.size() < numbers_end || whole.size() < right.tokens.size()) return std::nullopt;  // "1 hour 30 minutes"
  std::span<const Token> result = whole.first(numbers_end);
  if (whole.size() > numbers_end && whole[numbers_end].kind == Token::Kind::kPercent)
    result = whole.first(numbers_end + 1);
  const int decimals = whole[numbers_end - 1].decimals;
  for (const bool left_hundredths : {false, true}) {
    for (const bool right_hundredths : {false, true}) {
      const std::optional<double> value = value_of(expression, left_hundredths);
      for (const std::span<const Token> side : {result, whole}) {
        const std::optional<double> claimed = value_of(side, right_hundredths);
        const bool percent = side.back().kind == Token::Kind::kPercent && right_hundredths;
        if (value && claimed && explained(*value, *claimed, decimals + (percent ? 2 : 0))) return std::nullopt;
      }
    }
  }
  return WrongEquation{written(expression) + " = " + written(result), *value_of(expression, false)};
}

}  // namespace

std::optional<WrongEquation> wrong_equation(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = plain_operators(text.substr(begin, end - begin));
    begin = end + 1;
    if (line.find('=') == std::string::npos) continue;
    const std::vector<Token> tokens = tokens_of(line);
    std::size_t side_begin = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      if (tokens[i].kind != Token::Kind::kEquals) continue;
      std::size_t side_end = i + 1;
      while (side_end < tokens.size() && tokens[side_end].kind != Token::Kind::kEquals) ++side_end;
      const std::span<const Token> all = tokens;
      if (tokens[i].text == "=") {
        if (auto wrong = wrong_between(all.subspan(side_begin, i - side_begin), all.subspan(i + 1, side_end - i - 1))) {
          return wrong;
        }
      }
      side_begin = i + 1;
    }
  }
  return std::nullopt;
}

}  // namespace cambium::tasks
