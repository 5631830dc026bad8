#include "text/oniguruma_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "tensor/error.h"
#include "text/oniguruma_property.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr int kMaxPatternDepth = 100;
constexpr std::string_view kAnyCharacter = "[\\x{0}-\\x{10ffff}]";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

std::string code_point(char32_t character) { return fmt::format("\\x{{{:x}}}", static_cast<std::uint32_t>(character)); }

/// A set of characters as PCRE2 can say it: a bracket's items and patterns for one character that a bracket cannot
/// hold.
struct CharacterSet {
  std::string items;
  std::vector<std::string> alternatives;

  void add(const BracketItems& more, bool negated = false) {
    if (more.negated == negated) {
      items += more.items;
    } else {
      alternatives.push_back("[^" + more.items + "]");
    }
  }

  [[nodiscard]] std::string pattern(bool negated) const {
    if (alternatives.empty()) {
      if (items.empty()) return negated ? std::string(kAnyCharacter) : "(?!)";
      return (negated ? "[^" : "[") + items + "]";
    }
    if (!negated && items.empty() && alternatives.size() == 1) return alternatives.front();
    std::string all;
    if (!items.empty()) all = "[" + items + "]";
    for (const std::string& one : alternatives) all += (all.empty() ? "" : "|") + one;
    return negated ? fmt::format("(?:(?!{}){})", all, kAnyCharacter) : fmt::format("(?:{})", all);
  }
};

class Translator {
 public:
  explicit Translator(std::string_view pattern) : in_(pattern) {}

  std::string run() {
    alternatives();
    if (more()) fail("unmatched ')'");
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::string_view message) const {
    throw ValueError(
        fmt::format("regular expression '{}': at character {}: {}", in_, utf8::count(in_.substr(0, at_)), message));
  }
  [[nodiscard]] bool more() const { return at_ < in_.size(); }
  [[nodiscard]] bool next_is(std::string_view text) const { return in_.substr(at_).starts_with(text); }
  bool take(std::string_view text) {
    if (!next_is(text)) return false;
    at_ += text.size();
    return true;
  }
  char take_char() {
    if (!more()) fail("the pattern ends too early");
    return in_[at_++];
  }
  std::string_view take_until(char stop, std::string_view what) {
    const std::size_t end = in_.find(stop, at_);
    if (end == std::string_view::npos) fail(fmt::format("{} has no closing '{}'", what, stop));
    const std::string_view text = in_.substr(at_, end - at_);
    at_ = end + 1;
    return text;
  }

  /// Everything up to the end of the group (or of the pattern).
  void alternatives() {
    if (++depth_ > kMaxPatternDepth) fail(fmt::format("groups nested deeper than {}", kMaxPatternDepth));
    while (more() && in_[at_] != ')') {
      if (take("|")) {
        out_ += '|';
        continue;
      }
      if (extended_ && skip_extended()) continue;
      const std::size_t atom_start = out_.size();
      atom();
      quantifiers(atom_start);
    }
    --depth_;
  }

  bool skip_extended() {
    const char c = in_[at_];
    if (c == '#') {
      const std::size_t end = in_.find('\n', at_);
      at_ = end == std::string_view::npos ? in_.size() : end + 1;
      return true;
    }
    if (c != ' ' && (c < '\t' || c > '\r')) return false;
    ++at_;
    return true;
  }

  void atom() {
    const char c = in_[at_];
    switch (c) {
      case '(':
        ++at_;
        group();
        return;
      case '[':
        ++at_;
        out_ += set().pattern(false);
        return;
      case '\\':
        ++at_;
        escape();
        return;
      case '.':
      case '^':
      case '$':
        ++at_;
        out_ += c;
        return;
      case '*':
      case '+':
      case '?':
        fail("nothing to repeat");
      default:
        literal(utf8::next(in_, at_));
    }
  }

  void literal(char32_t character) {
    if (character < 0x80 &&
        std::string_view("\\^$.[]|()?*+{}#- \t\n\r\f\v").find(static_cast<char>(character)) != std::string_view::npos) {
      out_ += code_point(character);
    } else {
      utf8::append(out_, character);
    }
  }

  void wrap(std::size_t start) {
    out_.insert(start, "(?:");
    out_ += ')';
  }

  void quantifiers(std::size_t start) {
    for (bool first = true; more(); first = false) {
      if (extended_ && skip_extended()) continue;
      const std::size_t place = at_;
      std::string repeat;
      bool interval = false;
      bool exact = false;
      const char c = in_[at_];
      if (c == '*' || c == '+' || c == '?') {
        ++at_;
        repeat = c;
      } else if (c == '{' && take_interval(repeat, exact)) {
        interval = true;
      } else {
        return;
      }
      if (out_.size() == start) {
        at_ = place;
        fail("nothing to repeat");
      }
      if (!first) wrap(start);
      out_ += repeat;
      if (more() && in_[at_] == '?' && !exact) {
        ++at_;
        out_ += '?';
      } else if (more() && in_[at_] == '+' && !interval) {
        ++at_;
        out_ += '+';
      }
      // What follows an interval ("{2,3}+", "{2}?") is a repeat of the repeat: the next round wraps it.
    }
  }

  /// {n}, {n,}, {,m}, {n,m}; false (and nothing read) if the brace is an ordinary character.
  bool take_interval(std::string& repeat, bool& exact) {
    std::size_t i = at_ + 1;
    const auto digits = [&] {
      const std::size_t begin = i;
      while (i < in_.size() && is_digit(in_[i])) ++i;
      return in_.substr(begin, i - begin);
    };
    const std::string_view low = digits();
    std::string_view high;
    const bool comma = i < in_.size() && in_[i] == ',';
    if (comma) {
      ++i;
      high = digits();
    }
    if (i >= in_.size() || in_[i] != '}' || (low.empty() && high.empty())) return false;
    at_ = i + 1;
    exact = !comma;
    repeat = fmt::format("{{{}{}{}}}", low.empty() ? "0" : low, comma ? "," : "", high);
    return true;
  }

  void close_group() {
    alternatives();
    if (!take(")")) fail("a group has no closing ')'");
    out_ += ')';
  }

  void group() {
    const bool outer_extended = extended_;
    if (!take("?")) {
      out_ += '(';
      close_group();
    } else if (take("#")) {
      (void)take_until(')', "a comment");
    } else if (next_is("~")) {
      fail("absent operators (?~...) are not supported");
    } else if (next_is("<=") || next_is("<!")) {
      out_ += fmt::format("(?{}", in_.substr(at_, 2));
      at_ += 2;
      close_group();
    } else if (next_is(":") || next_is("=") || next_is("!") || next_is(">")) {
      out_ += fmt::format("(?{}", take_char());
      close_group();
    } else if (next_is("<") || next_is("'")) {
      const char quote = take_char();
      out_ += fmt::format("(?<{}>", take_until(quote == '<' ? '>' : '\'', "a group's name"));
      close_group();
    } else {
      options();
    }
    extended_ = outer_extended;
  }

  void options() {
    std::string on;
    std::string off;
    bool minus = false;
    for (;;) {
      const char c = take_char();
      if (c == ')' || c == ':') {
        const std::string flags = off.empty() ? on : on + "-" + off;
        // An option alone covers the rest of the group, later branches too: PCRE2 needs a group of its own for that.
        out_ += fmt::format("(?{}:", flags);
        alternatives();
        out_ += ')';
        if (c == ':' && !take(")")) fail("a group has no closing ')'");
        return;
      }
      if (c == '-') {
        minus = true;
        continue;
      }
      if (c == 'x') extended_ = !minus;
      if (c == 'x' || c == 'i') {
        // Extended mode is resolved here and does not reach PCRE2.
        if (c == 'i') (minus ? off : on) += c;
      } else if (c == 'm') {
        (minus ? off : on) += 's';
      } else {
        --at_;
        fail(fmt::format("unknown group or option '(?{}'", c));
      }
    }
  }

  /// Reads the code point of an escape that stands for one character; the backslash and `c` have been read.
  char32_t escaped_character(char c) {
    switch (c) {
      case 't':
        return '\t';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 'f':
        return '\f';
      case 'v':
        return '\v';
      case 'a':
        return '\a';
      case 'e':
        return 0x1B;
      case 'x':
        if (take("{")) {
          const std::string_view digits = take_until('}', "\\x{");
          return hexadecimal(digits);
        }
        return hexadecimal(hex_digits(2));
      case 'u':
        return hexadecimal(hex_digits(4));
      case '0': {
        std::size_t end = at_;
        while (end < in_.size() && end < at_ + 2 && in_[end] >= '0' && in_[end] <= '7') ++end;
        unsigned value = 0;
        std::from_chars(in_.data() + at_, in_.data() + end, value, 8);
        at_ = end;
        return value;
      }
      default: {
        --at_;
        return utf8::next(in_, at_);
      }
    }
  }

  std::string_view hex_digits(std::size_t most) {
    std::size_t end = at_;
    while (end < in_.size() && end < at_ + most && is_hex(in_[end])) ++end;
    const std::string_view digits = in_.substr(at_, end - at_);
    at_ = end;
    return digits;
  }

  char32_t hexadecimal(std::string_view digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size() || value > 0x10FFFF ||
        (value >= 0xD800 && value < 0xE000)) {
      fail("not the number of a character");
    }
    return value;
  }

  /// \s, \P{...} and the like after their backslash: true if `c` begins one; it is added to `into`.
  bool class_escape(char c, CharacterSet& into) {
    if (std::string_view("sSwWdDhH").find(c) != std::string_view::npos) {
      const bool upper = c < 'a';
      into.add(shorthand_class(upper ? static_cast<char>(c - 'A' + 'a') : c), upper);
      return true;
    }
    if ((c != 'p' && c != 'P') || !take("{")) return false;
    const std::string_view name = take_until('}', "\\p{");
    const auto items = property_class(name);
    if (!items) fail(fmt::format("unknown character property '{}'", name));
    into.add(*items, c == 'P');
    return true;
  }

  void escape() {
    const char c = take_char();
    CharacterSet one;
    if (class_escape(c, one)) {
      out_ += one.pattern(false);
      return;
    }
    switch (c) {
      case 'A':
      case 'z':
      case 'Z':
      case 'G':
      case 'K':
      case 'R':
      case 'X':
        out_ += fmt::format("\\{}", c);
        return;
      case 'b':
      case 'B': {
        const std::string word = "[" + shorthand_class('w').items + "]";
        if (c == 'b') {
          out_ += fmt::format("(?:(?<={0})(?!{0})|(?<!{0})(?={0}))", word);
        } else {
          out_ += fmt::format("(?:(?<={0})(?={0})|(?<!{0})(?!{0}))", word);
        }
        return;
      }
      case 'y':
      case 'Y':
        fail(fmt::format("text segment boundaries (\\{}) are not supported", c));
      case 'N':
        out_ += "[^\\n]";
        return;
      case 'O':
        out_ += kAnyCharacter;
        return;
      case 'k':
      case 'g':
        if (take("<") || take("'")) {
          const char quote = in_[at_ - 1];
          out_ += fmt::format("\\{}<{}>", c, take_until(quote == '<' ? '>' : '\'', "a reference"));
          return;
        }
        break;
      default:
        break;
    }
    if (c >= '1' && c <= '9') {
      std::size_t end = at_;
      while (end < in_.size() && is_digit(in_[end])) ++end;
      out_ += fmt::format("\\g{{{}}}", in_.substr(at_ - 1, end - at_ + 1));
      at_ = end;
      return;
    }
    literal(escaped_character(c));
  }

  /// A set after its '['. Its union parts are joined as they are read; at "&&" what was read is kept as a lookahead.
  CharacterSet set() {
    if (++depth_ > kMaxPatternDepth) fail(fmt::format("sets nested deeper than {}", kMaxPatternDepth));
    const bool negated = take("^");
    std::vector<CharacterSet> parts(1);
    bool first = true;
    for (;; first = false) {
      if (!more()) fail("a set has no closing ']'");
      if (in_[at_] == ']' && !(first && in_.find(']', at_ + 1) != std::string_view::npos)) break;
      if (take("&&")) {
        parts.emplace_back();
        continue;
      }
      set_item(parts.back());
    }
    ++at_;
    --depth_;
    if (parts.size() == 1 && !negated) return std::move(parts.front());
    CharacterSet result;
    if (parts.size() == 1) {
      if (parts.front().alternatives.empty() && parts.front().items.empty()) fail("an empty set");
      result.alternatives.push_back(parts.front().pattern(true));
      return result;
    }
    std::string all = "(?:";
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) all += fmt::format("(?={})", parts[i].pattern(false));
    all += parts.back().pattern(false) + ")";
    result.alternatives.push_back(negated ? fmt::format("(?:(?!{}){})", all, kAnyCharacter) : all);
    return result;
  }

  void set_item(CharacterSet& into) {
    if (take("[:")) {
      const std::size_t end = in_.find(":]", at_);
      if (end != std::string_view::npos) {
        std::string_view name = in_.substr(at_, end - at_);
        const bool opposite = name.starts_with('^');
        if (opposite) name.remove_prefix(1);
        if (const auto items = posix_class(name)) {
          into.add(*items, opposite);
          at_ = end + 2;
          return;
        }
      }
      at_ -= 2;
    }
    if (take("[")) {
      CharacterSet nested = set();
      into.items += nested.items;
      into.alternatives.insert(into.alternatives.end(), nested.alternatives.begin(), nested.alternatives.end());
      return;
    }
    char32_t low = 0;
    if (!set_character(into, low)) return;
    // A hyphen makes a range unless it ends the set or a set or class stands behind it.
    if (at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']' && in_[at_ + 1] != '[') {
      const std::size_t hyphen = at_++;
      char32_t high = 0;
      CharacterSet behind;
      if (set_character(behind, high)) {
        if (high < low) fail("a range in a set is upside down");
        into.items += code_point(low) + "-" + code_point(high);
        return;
      }
      at_ = hyphen;
    }
    into.items += code_point(low);
  }

  /// Reads one character of a set, or a class (then it is added to `into` and the answer is false).
  bool set_character(CharacterSet& into, char32_t& character) {
    if (!take("\\")) {
      character = utf8::next(in_, at_);
      return true;
    }
    const char c = take_char();
    if (class_escape(c, into)) return false;
    if (c == 'R' || c == 'X') fail(fmt::format("\\{} inside a set", c));
    character = c == 'b' ? U'\b' : escaped_character(c);
    return true;
  }

  std::string_view in_;
  std::size_t at_ = 0;
  std::string out_;
  int depth_ = 0;
  bool extended_ = false;
};

}  // namespace

std::string pcre_from_oniguruma(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace cambium::text
