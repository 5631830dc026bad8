#include "tasks/yaml_quoted_text.h"

#include <charconv>
#include <utility>

#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

// Escapes of one character; the code point it stands for.
std::optional<char32_t> simple_escape(char c) {
  static constexpr std::pair<char, char32_t> kEscapes[] = {
      {'0', 0},   {'a', 7},     {'b', 8},    {'t', 9},    {'\t', 9},     {'n', 10},
      {'v', 11},  {'f', 12},    {'r', 13},   {'e', 27},   {' ', ' '},    {'"', '"'},
      {'/', '/'}, {'\\', '\\'}, {'N', 0x85}, {'_', 0xA0}, {'L', 0x2028}, {'P', 0x2029}};
  for (const auto& [name, code_point] : kEscapes) {
    if (name == c) return code_point;
  }
  return std::nullopt;
}

class QuotedReader {
 public:
  QuotedReader(std::string_view source, std::size_t at) : source_(source), at_(at) {}

  std::optional<std::string> run() {
    if (at_ >= source_.size() || (source_[at_] != '"' && source_[at_] != '\'')) return std::nullopt;
    quote_ = source_[at_++];
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (c == quote_) {
        if (quote_ == '"' || at_ + 1 >= source_.size() || source_[at_ + 1] != '\'') return std::move(text_);
        text_ += '\'';
        at_ += 2;
      } else if (c == '\\' && quote_ == '"') {
        if (!escape()) return std::nullopt;
      } else if (is_space(c) || is_break(c)) {
        fold();
      } else {
        text_ += c;
        ++at_;
      }
    }
    return std::nullopt;
  }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\t'; }
  static bool is_break(char c) { return c == '\n' || c == '\r'; }

  void skip_spaces() {
    while (at_ < source_.size() && is_space(source_[at_])) ++at_;
  }
  void skip_break() { at_ += source_.substr(at_, 2) == "\r\n" ? 2 : 1; }

  // Blank lines from here on; each is a newline.
  std::size_t blank_lines() {
    std::size_t count = 0;
    for (;;) {
      skip_spaces();
      if (at_ >= source_.size() || !is_break(source_[at_])) return count;
      skip_break();
      ++count;
    }
  }

  // White space: as it stands within a line, folded at a line's end.
  void fold() {
    const std::size_t begin = at_;
    skip_spaces();
    if (at_ >= source_.size() || !is_break(source_[at_])) {
      text_ += source_.substr(begin, at_ - begin);
      return;
    }
    skip_break();
    const std::size_t blank = blank_lines();
    text_ += blank == 0 ? std::string(" ") : std::string(blank, '\n');
  }

  bool escape() {
    if (at_ + 1 >= source_.size()) return false;
    const char c = source_[at_ + 1];
    at_ += 2;
    if (is_break(c)) {
      --at_;
      skip_break();
      text_ += std::string(blank_lines(), '\n');
      return true;
    }
    if (const std::optional<char32_t> code_point = simple_escape(c)) {
      text::jinja::append_code_point(text_, *code_point);
      return true;
    }
    const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits == 0 || at_ + digits > source_.size()) return false;
    std::uint32_t value = 0;
    const char* const first = source_.data() + at_;
    const auto [end, error] = std::from_chars(first, first + digits, value, 16);
    if (error != std::errc() || end != first + digits || value > 0x10FFFF) return false;
    text::jinja::append_code_point(text_, static_cast<char32_t>(value));
    at_ += digits;
    return true;
  }

  std::string_view source_;
  std::size_t at_;
  char quote_ = '"';
  std::string text_;
};

}  // namespace

std::optional<std::string> quoted_text(std::string_view source, std::size_t at) {
  return QuotedReader(source, at).run();
}

}  // namespace cambium::tasks
