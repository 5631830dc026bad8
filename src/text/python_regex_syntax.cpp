#include "text/python_regex_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tensor/error.h"
#include "text/jinja_unicode.h"

namespace cambium::text {
namespace {

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_hex_digit(char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; }

class PythonTranslator {
 public:
  explicit PythonTranslator(std::string_view pattern) : pattern_(pattern) {}

  TranslatedPattern run() {
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape(false);
      } else if (c == '[') {
        character_class();
      } else if (c == '(' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] == '?') {
        group();
      } else if (c == '{' && pattern_.substr(at_).starts_with("{,")) {
        repetition();
      } else {
        out_.pattern += c;
        ++at_;
      }
    }
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw ValueError(fmt::format("the regular expression '{}' is not valid: {} at position {}", pattern_, why,
                                 jinja::count_code_points(pattern_.substr(0, at_))));
  }

  void escape(bool in_class) {
    if (at_ + 1 == pattern_.size()) fail("bad escape (end of pattern)");
    const char c = pattern_[at_ + 1];
    if (c == 'u' || c == 'U') {
      const std::size_t digits = c == 'u' ? 4 : 8;
      const std::string_view code = pattern_.substr(at_ + 2, digits);
      if (code.size() != digits || !std::ranges::all_of(code, is_hex_digit))
        fail(fmt::format("incomplete escape \\{}", c));
      out_.pattern += fmt::format("\\x{{{}}}", code);
      at_ += 2 + digits;
      return;
    }
    if (c == 'x') {
      const std::string_view code = pattern_.substr(at_ + 2, 2);
      if (code.size() != 2 || !std::ranges::all_of(code, is_hex_digit)) fail("incomplete escape \\x");
      out_.pattern += fmt::format("\\x{{{}}}", code);
      at_ += 4;
      return;
    }
    at_ += 2;
    if (c == 'Z' && !in_class) {
      out_.pattern += "\\z";
    } else if (c == 'v') {
      out_.pattern += "\\x0b";
    } else if (is_letter(c) &&
               std::string_view(in_class ? "abdDfnrsStwW" : "AabBdDfnrsStwW").find(c) == std::string_view::npos) {
      at_ -= 2;
      fail(fmt::format("bad escape \\{}", c));
    } else {
      out_.pattern += '\\';
      out_.pattern += c;
    }
  }

  void character_class() {
    out_.pattern += '[';
    ++at_;
    if (at_ < pattern_.size() && pattern_[at_] == '^') {
      out_.pattern += '^';
      ++at_;
    }
    bool first = true;
    while (at_ < pattern_.size()) {
      const char c = pattern_[at_];
      if (c == '\\') {
        escape(true);
      } else if (c == '[' || (c == ']' && first)) {
        // PCRE2 would begin a POSIX class here; Python takes the bracket itself.
        out_.pattern += '\\';
        out_.pattern += c;
        ++at_;
      } else {
        out_.pattern += c;
        ++at_;
        if (c == ']') return;
      }
      first = false;
    }
    fail("unterminated character set");
  }

  // Flags: PCRE2 has no a, u and L.
  void group() {
    std::size_t end = at_ + 2;
    while (end < pattern_.size() && (is_letter(pattern_[end]) || pattern_[end] == '-')) ++end;
    const std::string_view flags = pattern_.substr(at_ + 2, end - at_ - 2);
    const bool is_flags = end < pattern_.size() && !flags.empty() && (pattern_[end] == ')' || pattern_[end] == ':');
    if (!is_flags) {
      out_.pattern += "(?";
      at_ += 2;
      return;
    }
    out_.pattern += "(?";
    for (const char flag : flags) {
      if (std::string_view("imsx-").find(flag) != std::string_view::npos) {
        out_.pattern += flag;
      } else if (flag == 'a') {
        out_.ascii = true;
      } else if (flag != 'u') {
        fail(fmt::format("unknown flag {}", flag));
      }
    }
    at_ = end;
  }

  void repetition() {
    std::size_t end = at_ + 2;
    while (end < pattern_.size() && is_ascii_digit(pattern_[end])) ++end;
    const bool valid = end < pattern_.size() && pattern_[end] == '}';
    out_.pattern += valid ? "{0," : "{,";
    at_ += 2;
  }

  std::string_view pattern_;
  TranslatedPattern out_;
  std::size_t at_ = 0;
};

}  // namespace

TranslatedPattern translate_python_pattern(std::string_view pattern) { return PythonTranslator(pattern).run(); }

std::vector<ReplacementPart> parse_python_replacement(std::string_view replacement) {
  using Kind = ReplacementPart::Kind;
  const auto fail = [&](const std::string& why) {
    throw ValueError(fmt::format("the replacement '{}' is not valid: {}", replacement, why));
  };
  std::vector<ReplacementPart> parts;
  const auto text = [&]() -> std::string& {
    if (parts.empty() || parts.back().kind != Kind::kText)
      parts.push_back({.kind = Kind::kText, .text = {}, .number = 0});
    return parts.back().text;
  };
  for (std::size_t at = 0; at < replacement.size();) {
    if (replacement[at] != '\\') {
      text() += replacement[at++];
      continue;
    }
    if (++at == replacement.size()) fail("bad escape (end of pattern)");
    const char c = replacement[at++];
    if (c == 'g') {
      const std::size_t close = replacement.find('>', at);
      if (at == replacement.size() || replacement[at] != '<' || close == std::string_view::npos || close == at + 1) {
        fail("missing group name");
      }
      const std::string_view name = replacement.substr(at + 1, close - at - 1);
      if (std::ranges::all_of(name, is_ascii_digit)) {
        if (name.size() > 4) fail("invalid group reference");
        parts.push_back({.kind = Kind::kNumber, .text = {}, .number = std::stoul(std::string(name))});
      } else {
        parts.push_back({.kind = Kind::kName, .text = std::string(name), .number = 0});
      }
      at = close + 1;
    } else if (c == '0') {
      char32_t code = 0;
      for (int more = 0; more < 2 && at < replacement.size() && replacement[at] >= '0' && replacement[at] <= '7';
           ++more) {
        code = code * 8 + static_cast<char32_t>(replacement[at++] - '0');
      }
      jinja::append_code_point(text(), code);
    } else if (is_ascii_digit(c)) {
      std::size_t number = static_cast<std::size_t>(c - '0');
      if (at < replacement.size() && is_ascii_digit(replacement[at]))
        number = number * 10 + static_cast<std::size_t>(replacement[at++] - '0');
      parts.push_back({.kind = Kind::kNumber, .text = {}, .number = number});
    } else if (const std::size_t known = std::string_view("abfnrtv").find(c); known != std::string_view::npos) {
      text() += "\a\b\f\n\r\t\v"[known];
    } else if (is_letter(c)) {
      fail(fmt::format("bad escape \\{}", c));
    } else {
      text() += '\\';
      if (c == '\\') {
        text().back() = '\\';
      } else {
        text() += c;
      }
    }
  }
  return parts;
}

}  // namespace cambium::text
