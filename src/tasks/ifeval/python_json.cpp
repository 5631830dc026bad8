#include "tasks/ifeval/python_json.h"

#include <cctype>
#include <cstddef>
#include <vector>

namespace cambium::tasks::ifeval {
namespace {

constexpr std::size_t kMostDigits = 4300;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Reads tokens; each function moves behind what it accepts.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool at_end() const { return position_ == text_.size(); }
  void skip_blanks() {
    const std::size_t next = text_.find_first_not_of(" \t\n\r", position_);
    position_ = next == std::string_view::npos ? text_.size() : next;
  }
  bool take(std::string_view token) {
    if (!text_.substr(position_).starts_with(token)) return false;
    position_ += token.size();
    return true;
  }
  bool string() {
    if (!take("\"")) return false;
    while (position_ < text_.size()) {
      const char c = text_[position_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }
  bool scalar() {
    for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
      if (take(word)) return true;
    }
    return position_ < text_.size() && text_[position_] == '"' ? string() : number();
  }

 private:
  bool escape() {
    if (position_ == text_.size()) return false;
    const char c = text_[position_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i, ++position_) {
      if (position_ == text_.size() || std::isxdigit(static_cast<unsigned char>(text_[position_])) == 0) return false;
    }
    return true;
  }
  std::size_t digits() {
    const std::size_t begin = position_;
    while (position_ < text_.size() && is_digit(text_[position_])) ++position_;
    return position_ - begin;
  }
  // What a fraction or exponent would need is left behind if it is not all there, and is an error then.
  bool number() {
    take("-");
    const bool zero = take("0");
    const std::size_t whole = zero ? 1 : digits();
    if (whole == 0) return false;
    bool is_integer = true;
    const std::size_t point = position_;
    if (take(".")) {
      if (digits() > 0) {
        is_integer = false;
      } else {
        position_ = point;
      }
    }
    const std::size_t exponent = position_;
    if (take("e") || take("E")) {
      if (!take("+")) take("-");
      if (digits() > 0) {
        is_integer = false;
      } else {
        position_ = exponent;
      }
    }
    return !is_integer || whole <= kMostDigits;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

bool is_python_json(std::string_view text) {
  Reader reader(text);
  std::vector<char> open;  // the brackets that wait for their end
  reader.skip_blanks();
  while (true) {
    // A value begins here.
    bool complete = true;
    if (reader.take("[")) {
      reader.skip_blanks();
      if (!reader.take("]")) {
        open.push_back('[');
        complete = false;
      }
    } else if (reader.take("{")) {
      reader.skip_blanks();
      if (!reader.take("}")) {
        open.push_back('{');
        complete = false;
      }
    } else if (!reader.scalar()) {
      return false;
    }
    while (complete) {
      reader.skip_blanks();
      if (open.empty()) return reader.at_end();
      if (reader.take(open.back() == '[' ? "]" : "}")) {
        open.pop_back();
        continue;
      }
      if (!reader.take(",")) return false;
      reader.skip_blanks();
      complete = false;
    }
    if (open.back() == '{') {
      if (!reader.string()) return false;
      reader.skip_blanks();
      if (!reader.take(":")) return false;
      reader.skip_blanks();
    }
  }
}

}  // namespace cambium::tasks::ifeval
