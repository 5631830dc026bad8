#include "tasks/python_literal.h"

#include <string>
#include <vector>

#include "text/jinja_error.h"
#include "text/jinja_limits.h"
#include "text/jinja_number_text.h"
#include "text/jinja_string_literal.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr int kMaxDepth = 200;

// A malformed literal; parse_python_literal turns it into "nothing".
struct NoLiteral {};

class LiteralParser {
 public:
  explicit LiteralParser(std::string_view text) : text_(text) {}

  Value run() {
    skip_space();
    Value value = parse();
    if (peek() == ',') {
      // "1, 2" is a tuple without parentheses.
      std::vector<Value> items{std::move(value)};
      while (take(',')) {
        if (at_ < text_.size()) items.push_back(parse());
      }
      value = Value::tuple(std::move(items));
    }
    if (at_ != text_.size()) throw NoLiteral{};
    return value;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r\f").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    skip_space();
    return true;
  }

  Value parse() {
    if (++depth_ > kMaxDepth) throw NoLiteral{};
    Value value = parse_one();
    --depth_;
    skip_space();
    return value;
  }

  Value parse_one() {
    const char c = peek();
    if (c == '[') return Value::list(parse_items(']'));
    if (c == '(') return parse_parentheses();
    if (c == '{') return parse_dict();
    if (c == '\'' || c == '"') return parse_strings();
    if (c == '-' || c == '+' || c == '.' || (c >= '0' && c <= '9')) return parse_number();
    for (const auto& [word, value] : {std::pair<std::string_view, Value>{"True", Value::boolean(true)},
                                      {"False", Value::boolean(false)},
                                      {"None", Value()}}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return value;
    }
    throw NoLiteral{};
  }

  std::vector<Value> parse_items(char close) {
    ++at_;
    skip_space();
    std::vector<Value> items;
    while (!take(close)) {
      items.push_back(parse());
      if (take(',')) continue;
      if (peek() != close) throw NoLiteral{};
    }
    return items;
  }

  Value parse_parentheses() {
    const std::size_t begin = at_;
    std::vector<Value> items = parse_items(')');
    // One item is a tuple only with a comma behind it.
    if (items.size() != 1) return Value::tuple(std::move(items));
    std::size_t last = at_;
    while (last > begin && text_[last - 1] != ')') --last;
    for (--last; last > begin && std::string_view(" \t\n\r\f").find(text_[last - 1]) != std::string_view::npos;) --last;
    return text_[last - 1] == ',' ? Value::tuple(std::move(items)) : items.front();
  }

  Value parse_dict() {
    ++at_;
    skip_space();
    const auto dict = jinja::make<jinja::DictObject>();
    jinja::Budget budget{jinja::Limits{}};
    while (!take('}')) {
      Value key = parse();
      if (!take(':')) throw NoLiteral{};
      dict->set(std::move(key), parse(), budget);
      if (take(',')) continue;
      if (peek() != '}') throw NoLiteral{};
    }
    return Value(dict);
  }

  Value parse_strings() {
    std::string whole;
    while (peek() == '\'' || peek() == '"') {
      const char quote = peek();
      std::size_t end = at_ + 1;
      while (end < text_.size() && text_[end] != quote && text_[end] != '\n') end += text_[end] == '\\' ? 2 : 1;
      if (end >= text_.size() || text_[end] != quote) throw NoLiteral{};
      whole += jinja::unescape_literal(text_.substr(at_ + 1, end - at_ - 1));
      at_ = end + 1;
      skip_space();
    }
    return Value::string(std::move(whole));
  }

  Value parse_number() {
    std::size_t end = at_;
    while (end < text_.size()) {
      const char c = text_[end];
      const bool exponent_sign = (c == '-' || c == '+') && end > at_ && (text_[end - 1] | 0x20) == 'e';
      const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (!alphanumeric && c != '.' && c != '_' && !exponent_sign && !((c == '-' || c == '+') && end == at_)) break;
      ++end;
    }
    const std::string_view number = text_.substr(at_, end - at_);
    at_ = end;
    if (const std::optional<Value> whole = jinja::read_integer(number, 0)) return *whole;
    const bool words = number.find_first_of("nN") != std::string_view::npos;
    const std::optional<double> real = words ? std::nullopt : jinja::read_float(number);
    if (!real) throw NoLiteral{};
    return Value::real(*real);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<Value> parse_python_literal(std::string_view text) {
  try {
    return LiteralParser(text).run();
  } catch (const NoLiteral&) {
    return std::nullopt;
  } catch (const jinja::TemplateError&) {
    return std::nullopt;
  }
}

}  // namespace cambium::tasks
