#include "text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "text/jinja_number_text.h"
#include "text/jinja_string_literal.h"
#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "\r\n" and "\r" become "\n"; one newline at the end goes unless it is to be kept.
std::string normalised(std::string_view source, bool keep_trailing_newline) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!keep_trailing_newline && out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  Lexer(std::string_view source, const Options& options, std::string_view name)
      : source_(source), options_(options), name_(name) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text_and_tag();
    push(TokenKind::kEnd, "", at_);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string message, std::size_t at) {
    throw TemplateError(ErrorKind::kSyntax, std::move(message), position(at), name_);
  }

  // Positions are asked for in rising order, so each byte is counted once.
  Position position(std::size_t at) {
    if (at < counted_) {
      counted_ = 0;
      counted_position_ = {1, 1};
    }
    for (; counted_ < at; ++counted_) {
      const char c = source_[counted_];
      if (c == '\n') {
        ++counted_position_.line;
        counted_position_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
        ++counted_position_.column;
      }
    }
    return counted_position_;
  }

  void push(TokenKind kind, std::string text, std::size_t at) {
    tokens_.push_back({.kind = kind, .text = std::move(text), .number = {}, .at = position(at)});
  }

  bool follows(std::string_view text, std::size_t at) const { return source_.compare(at, text.size(), text) == 0; }

  std::size_t skip_space(std::size_t at) const {
    while (at < source_.size()) {
      std::size_t next = at;
      if (!is_space(next_code_point(source_, next))) break;
      at = next;
    }
    return at;
  }

  // The byte behind a closing tag and the white space it swallows; kNone if none closes here.
  // "-%}" takes all white space, "%}" one newline where `trim`, "+%}" none.
  std::size_t close(std::string_view mark, std::size_t at, bool plus_allowed, bool trim) const {
    if (source_.substr(at).starts_with('-') && follows(mark, at + 1)) return skip_space(at + 1 + mark.size());
    if (plus_allowed && source_.substr(at).starts_with('+') && follows(mark, at + 1)) return at + 1 + mark.size();
    if (!follows(mark, at)) return kNone;
    const std::size_t end = at + mark.size();
    return trim && end < source_.size() && source_[end] == '\n' ? end + 1 : end;
  }

  // Text up to a tag, as the tag's sign and lstrip_blocks leave it.
  void push_text(std::size_t begin, std::size_t end, char sign, bool is_print) {
    std::string_view text = source_.substr(begin, end - begin);
    if (sign == '-') {
      text = strip(text, false, true);
    } else if (sign != '+' && options_.lstrip_blocks && !is_print) {
      const std::size_t newline = text.rfind('\n');
      const std::size_t line = newline == kNone ? 0 : newline + 1;
      const std::string_view margin = text.substr(line);
      if ((line > 0 || line_starts_) && !margin.empty() && strip(margin).empty()) text = text.substr(0, line);
    }
    if (!text.empty()) push(TokenKind::kText, std::string(text), begin);
  }

  char sign_at(std::size_t at) const {
    return at < source_.size() && (source_[at] == '-' || source_[at] == '+') ? source_[at] : '\0';
  }

  void text_and_tag() {
    const std::size_t begin = at_;
    std::size_t tag = begin;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == kNone || tag + 1 == source_.size()) {
        push(TokenKind::kText, std::string(source_.substr(begin)), begin);
        at_ = source_.size();
        return;
      }
      const char kind = source_[tag + 1];
      if (kind == '%' || kind == '{' || kind == '#') break;
    }
    const char sign = sign_at(tag + 2);
    push_text(begin, tag, sign, source_[tag + 1] == '{');
    at_ = tag + 2 + (sign != '\0' ? 1 : 0);
    if (source_[tag + 1] == '#') {
      comment(tag);
    } else if (source_[tag + 1] == '{') {
      push(TokenKind::kPrintBegin, "{{", tag);
      code("}}", TokenKind::kPrintEnd);
    } else if (const std::size_t raw = raw_begin(); raw != kNone) {
      at_ = raw;
      raw_block(tag);
    } else {
      push(TokenKind::kBlockBegin, "{%", tag);
      code("%}", TokenKind::kBlockEnd);
    }
    line_starts_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  // The byte behind `raw %}` if the block tag at hand is that.
  std::size_t raw_begin() const {
    std::size_t at = skip_space(at_);
    if (!follows("raw", at)) return kNone;
    at = skip_space(at + 3);
    if (follows("-%}", at)) return skip_space(at + 3);
    return follows("%}", at) ? at + 2 : kNone;
  }

  void raw_block(std::size_t tag) {
    const std::size_t begin = at_;
    line_starts_ = begin > 0 && source_[begin - 1] == '\n';
    for (std::size_t open = source_.find("{%", begin); open != kNone; open = source_.find("{%", open + 1)) {
      const char sign = sign_at(open + 2);
      std::size_t at = skip_space(open + 2 + (sign != '\0' ? 1 : 0));
      if (!follows("endraw", at)) continue;
      at = close("%}", skip_space(at + 6), true, options_.trim_blocks);
      if (at == kNone) continue;
      push_text(begin, open, sign, false);
      at_ = at;
      return;
    }
    fail("Missing end of raw directive", tag);
  }

  void comment(std::size_t tag) {
    for (std::size_t hash = source_.find("#}", at_); hash != kNone; hash = source_.find("#}", hash + 1)) {
      const bool signed_end = hash > at_ && (source_[hash - 1] == '-' || source_[hash - 1] == '+');
      at_ = close("#}", signed_end ? hash - 1 : hash, true, options_.trim_blocks);
      return;
    }
    fail("Missing end of comment tag", tag);
  }

  void code(std::string_view mark, TokenKind end_kind) {
    std::vector<char> open_brackets;
    while (true) {
      at_ = skip_space(at_);
      if (at_ == source_.size()) return;  // the parser says what is missing
      if (open_brackets.empty()) {
        const bool block = end_kind == TokenKind::kBlockEnd;
        const std::size_t end = close(mark, at_, block, block && options_.trim_blocks);
        if (end != kNone) {
          push(end_kind, std::string(mark), at_);
          at_ = end;
          return;
        }
      }
      token(open_brackets);
    }
  }

  void token(std::vector<char>& open_brackets) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (c == '\'' || c == '"') return string();
    std::size_t next = at_;
    const char32_t first = next_code_point(source_, next);
    if (is_identifier_part(first)) return name();
    static constexpr std::array<std::string_view, 6> kLong{"//", "**", "==", "!=", ">=", "<="};
    const std::size_t begin = at_;
    for (const std::string_view symbol : kLong) {
      if (!follows(symbol, at_)) continue;
      at_ += 2;
      return push(TokenKind::kOperator, std::string(symbol), begin);
    }
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == kNone) {
      fail(fmt::format("unexpected char '{}'", source_.substr(begin, next - begin)), begin);
    }
    if (c == '(' || c == '[' || c == '{') open_brackets.push_back(c == '(' ? ')' : c == '[' ? ']' : '}');
    if (c == ')' || c == ']' || c == '}') {
      if (open_brackets.empty()) fail(fmt::format("unexpected '{}'", c), begin);
      if (open_brackets.back() != c)
        fail(fmt::format("unexpected '{}', expected '{}'", c, open_brackets.back()), begin);
      open_brackets.pop_back();
    }
    ++at_;
    push(TokenKind::kOperator, std::string(1, c), begin);
  }

  void name() {
    const std::size_t begin = at_;
    while (at_ < source_.size()) {
      std::size_t next = at_;
      if (!is_identifier_part(next_code_point(source_, next))) break;
      at_ = next;
    }
    std::size_t probe = begin;
    if (!is_identifier_start(next_code_point(source_, probe))) fail("Invalid character in identifier", begin);
    push(TokenKind::kName, std::string(source_.substr(begin, at_ - begin)), begin);
  }

  // Digits with single underscores between them, from `at`.
  std::size_t digits(std::size_t at) const {
    while (at < source_.size() &&
           (is_digit(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() && is_digit(source_[at + 1])))) {
      ++at;
    }
    return at;
  }

  bool digit_at(std::size_t at) const { return at < source_.size() && is_digit(source_[at]); }

  // The end of a float that begins here, or kNone.
  std::size_t float_end() const {
    if (at_ > 0 && source_[at_ - 1] == '.') return kNone;
    const std::size_t whole = digits(at_);
    std::size_t end = whole;
    if (end < source_.size() && source_[end] == '.' && digit_at(end + 1)) end = digits(end + 1);
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      const std::size_t sign = end + 1 < source_.size() && (source_[end + 1] == '+' || source_[end + 1] == '-') ? 1 : 0;
      if (digit_at(end + 1 + sign)) return digits(end + 1 + sign);
    }
    return end > whole ? end : kNone;
  }

  std::size_t integer_end() const {
    const char mark =
        at_ + 1 < source_.size() && source_[at_] == '0' ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
    if (mark == 'x' || mark == 'o' || mark == 'b') {
      const auto fits = [&](char c) {
        const char lower = static_cast<char>(c | 0x20);
        return mark == 'b'   ? c == '0' || c == '1'
               : mark == 'o' ? c >= '0' && c <= '7'
                             : is_digit(c) || (lower >= 'a' && lower <= 'f');
      };
      std::size_t end = at_ + 2;
      while (end < source_.size() &&
             (fits(source_[end]) || (source_[end] == '_' && end + 1 < source_.size() && fits(source_[end + 1])))) {
        ++end;
      }
      if (end > at_ + 2) return end;
    }
    if (source_[at_] != '0') return digits(at_);
    std::size_t end = at_;
    while (end < source_.size() &&
           (source_[end] == '0' || (source_[end] == '_' && end + 1 < source_.size() && source_[end + 1] == '0'))) {
      ++end;
    }
    return end;
  }

  void number() {
    const std::size_t begin = at_;
    std::size_t end = float_end();
    const bool real = end != kNone;
    if (!real) end = integer_end();
    std::string text(source_.substr(begin, end - begin));
    std::erase(text, '_');
    Value number;
    if (real) {
      number = Value::real(read_float(text).value_or(0));
    } else if (const std::optional<Value> whole = read_integer(text, 0)) {
      number = *whole;
    }
    at_ = end;
    tokens_.push_back({.kind = real ? TokenKind::kFloat : TokenKind::kInteger,
                       .text = std::move(text),
                       .number = std::move(number),
                       .at = position(begin)});
  }

  void string() {
    const std::size_t begin = at_;
    const char quote = source_[begin];
    std::size_t end = begin + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size()) fail(fmt::format("unexpected char '{}': the string does not end", quote), begin);
    try {
      push(TokenKind::kString, unescape_literal(source_.substr(begin + 1, end - begin - 1)), begin);
    } catch (const TemplateError& error) {
      fail(error.message(), begin);
    }
    at_ = end + 1;
  }

  std::string_view source_;
  const Options& options_;
  std::string_view name_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  bool line_starts_ = true;  // the last token ended a line
  std::size_t counted_ = 0;
  Position counted_position_{1, 1};
};

}  // namespace

std::vector<Token> tokenize(std::string_view source, const Options& options, std::string_view name) {
  const std::size_t invalid = find_invalid_utf8(source);
  if (invalid != kNone) {
    throw TemplateError(ErrorKind::kSyntax, fmt::format("the template is not UTF-8: byte {}", invalid), {1, 1}, name);
  }
  const std::string text = normalised(source, options.keep_trailing_newline);
  return Lexer(text, options, name).run();
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kText:
      return "template data / text";
    case TokenKind::kPrintBegin:
      return "begin of print statement";
    case TokenKind::kPrintEnd:
      return "end of print statement";
    case TokenKind::kBlockBegin:
      return "begin of statement block";
    case TokenKind::kBlockEnd:
      return "end of statement block";
    case TokenKind::kName:
    case TokenKind::kOperator:
      return token.text;
    case TokenKind::kString:
      return "string";
    case TokenKind::kInteger:
      return "integer";
    case TokenKind::kFloat:
      return "float";
    case TokenKind::kEnd:
      return "end of template";
  }
  return "token";
}

}  // namespace cambium::text::jinja
