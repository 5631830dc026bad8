#include "text/json_cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "tensor/error.h"
#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr int kMaxDepth = 128;
constexpr char32_t kReplacement = 0xFFFD;

bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}
bool is_surrogate(char32_t c) { return c >= 0xD800 && c < 0xE000; }

/// The grammar of RFC 8259; std::from_chars takes more (leading zeros, "inf").
bool is_json_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool zero = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

}  // namespace

JsonCursor::JsonCursor(std::string_view text, std::string_view where) : text_(text), where_(where) {
  const std::size_t bad = utf8::find_invalid(text);
  if (bad != std::string_view::npos) {
    position_ = bad;
    fail("not UTF-8");
  }
  if (text_.starts_with("\xEF\xBB\xBF")) position_ = 3;
}

void JsonCursor::fail(std::string_view message) const {
  const std::string_view before = text_.substr(0, position_);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  throw CheckpointError(
      fmt::format("{}: line {}, column {}: {}", where_, line, utf8::count(before.substr(line_start)) + 1, message));
}

void JsonCursor::fail_expected(std::string_view name) const {
  fail(fmt::format("expected {}, found '{}'", name, text_[position_]));
}

void JsonCursor::enter() {
  if (++depth_ > kMaxDepth) fail(fmt::format("nested deeper than {} levels", kMaxDepth));
  fresh_ = true;
}

JsonCursor::Kind JsonCursor::peek() {
  switch (look()) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kArray;
    case '"':
      return Kind::kString;
    case 't':
    case 'f':
      return Kind::kBoolean;
    case 'n':
      return Kind::kNull;
    default:
      return Kind::kNumber;
  }
}

void JsonCursor::begin_object() {
  expect('{', "an object");
  enter();
}

void JsonCursor::begin_array() {
  expect('[', "a list");
  enter();
}

bool JsonCursor::next_key(std::string_view& key) {
  if (look() == '}') {
    ++position_;
    --depth_;
    fresh_ = false;
    return false;
  }
  if (!fresh_) expect(',', "',' or '}'");
  fresh_ = false;
  key = string();
  // The key may be a view of the source or of scratch_; neither moves before the next string is read.
  expect(':', "':'");
  return true;
}

bool JsonCursor::next_item() {
  if (look() == ']') {
    ++position_;
    --depth_;
    fresh_ = false;
    return false;
  }
  if (!fresh_) expect(',', "',' or ']'");
  fresh_ = false;
  return true;
}

std::string_view JsonCursor::string() {
  expect('"', "a string");
  const std::size_t begin = position_;
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '"') return text_.substr(begin, position_++ - begin);
    if (c == '\\') return unescape(begin);
    if (static_cast<unsigned char>(c) < 0x20) fail("a control character inside a string must be escaped");
    ++position_;
  }
  fail("the file ends in the middle of a string");
}

char32_t JsonCursor::hex4() {
  unsigned value = 0;
  const char* first = text_.data() + position_;
  if (text_.size() - position_ < 4 || std::from_chars(first, first + 4, value, 16).ptr != first + 4) {
    fail("\\u needs four hexadecimal digits");
  }
  position_ += 4;
  return value;
}

std::string_view JsonCursor::unescape(std::size_t begin) {
  scratch_.assign(text_, begin, position_ - begin);
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '"') return scratch_;
    if (static_cast<unsigned char>(c) < 0x20) {
      --position_;
      fail("a control character inside a string must be escaped");
    }
    if (c != '\\') {
      scratch_.push_back(c);
      continue;
    }
    if (position_ == text_.size()) break;
    const char escaped = text_[position_++];
    constexpr std::string_view kNames = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    if (const std::size_t simple = kNames.find(escaped); simple != std::string_view::npos) {
      scratch_.push_back(kMeanings[simple]);
    } else if (escaped == 'u') {
      char32_t character = hex4();
      if (character >= 0xD800 && character < 0xDC00 && text_.substr(position_, 2) == "\\u") {
        position_ += 2;
        const char32_t low = hex4();
        if (low >= 0xDC00 && low < 0xE000) {
          character = 0x10000 + ((character - 0xD800) << 10U) + (low - 0xDC00);
        } else {
          utf8::append(scratch_, kReplacement);
          character = low;
        }
      }
      utf8::append(scratch_, is_surrogate(character) ? kReplacement : character);
    } else {
      position_ -= 2;
      fail(fmt::format("unknown escape '\\{}'", escaped));
    }
  }
  fail("the file ends in the middle of a string");
}

double JsonCursor::number() {
  (void)look();
  std::size_t stop = position_;
  while (stop < text_.size() && is_number_part(text_[stop])) ++stop;
  const std::string_view source = text_.substr(position_, stop - position_);
  double value = 0;
  const auto [end, error] = std::from_chars(source.data(), source.data() + source.size(), value);
  if (!is_json_number(source) || (error != std::errc{} && error != std::errc::result_out_of_range)) {
    fail("expected a number");
  }
  position_ = stop;
  return value;
}

std::int64_t JsonCursor::integer() {
  (void)look();
  const char* first = text_.data() + position_;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(first, text_.data() + text_.size(), value);
  const bool more = end < text_.data() + text_.size() && is_number_part(*end);
  if (error != std::errc{} || more) fail("expected a whole number");
  position_ += static_cast<std::size_t>(end - first);
  return value;
}

bool JsonCursor::boolean() {
  (void)look();
  for (const bool value : {true, false}) {
    const std::string_view name = value ? "true" : "false";
    if (text_.substr(position_).starts_with(name)) {
      position_ += name.size();
      return value;
    }
  }
  fail("expected true or false");
}

void JsonCursor::null() {
  (void)look();
  if (!text_.substr(position_).starts_with("null")) fail("expected null");
  position_ += 4;
}

std::string_view JsonCursor::skip() {
  (void)look();
  const std::size_t begin = position_;
  std::string_view key;
  switch (peek()) {
    case Kind::kObject:
      begin_object();
      while (next_key(key)) (void)skip();
      break;
    case Kind::kArray:
      begin_array();
      while (next_item()) (void)skip();
      break;
    case Kind::kString:
      (void)string();
      break;
    case Kind::kNumber:
      (void)number();
      break;
    case Kind::kBoolean:
      (void)boolean();
      break;
    case Kind::kNull:
      null();
      break;
  }
  return text_.substr(begin, position_ - begin);
}

void JsonCursor::end() {
  blanks();
  if (position_ != text_.size()) fail("more text after the end of the JSON value");
}

}  // namespace cambium::text
