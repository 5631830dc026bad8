#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cambium::text {

/// Reads JSON front to back without building a tree, for the long lists of a tokenizer file (150,000 tokens and as many
/// merges: a few milliseconds a megabyte less than a tree takes). The caller asks for what must come next.
///
/// @throws CheckpointError from every method: file, line and column, what was expected.
class JsonCursor {
 public:
  /// @param text   must outlive the cursor; checked to be UTF-8 here
  /// @param where  the file's name for messages
  JsonCursor(std::string_view text, std::string_view where);

  enum class Kind { kObject, kArray, kString, kNumber, kBoolean, kNull };
  /// What stands next.
  [[nodiscard]] Kind peek();

  /// Enters an object or array. Then `while (next_key(key))` / `while (next_item())`, each followed by reading one
  /// value.
  void begin_object();
  void begin_array();
  /// Moves to the next member and gives its key, or leaves the object. The key is valid until the next call on this
  /// cursor.
  [[nodiscard]] bool next_key(std::string_view& key);
  /// Moves to the next element, or leaves the array.
  [[nodiscard]] bool next_item();

  /// The string is valid until the next call on this cursor. Lone surrogates become U+FFFD.
  [[nodiscard]] std::string_view string();
  [[nodiscard]] double number();
  [[nodiscard]] std::int64_t integer();
  [[nodiscard]] bool boolean();
  void null();
  /// Passes over one value of any kind and gives its source text.
  [[nodiscard]] std::string_view skip();
  /// Only white space may follow.
  void end();

  /// Reports a problem at the present place: "FILE: line L, column C: MESSAGE".
  [[noreturn]] void fail(std::string_view message) const;
  [[nodiscard]] std::string_view where() const { return where_; }
  /// Bytes that are not read yet.
  [[nodiscard]] std::size_t remaining() const { return text_.size() - position_; }

 private:
  void blanks() {
    while (position_ < text_.size() && is_blank(text_[position_])) ++position_;
  }
  /// The next character behind blanks.
  [[nodiscard]] char look() {
    blanks();
    if (position_ == text_.size()) fail("the file ends in the middle of a JSON value");
    return text_[position_];
  }
  void expect(char wanted, std::string_view name) {
    if (look() != wanted) fail_expected(name);
    ++position_;
  }
  static bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
  [[noreturn]] void fail_expected(std::string_view name) const;
  [[nodiscard]] std::string_view unescape(std::size_t begin);
  [[nodiscard]] char32_t hex4();
  void enter();

  std::string_view text_;
  std::string where_;
  std::size_t position_ = 0;
  int depth_ = 0;
  bool fresh_ = false;  // just entered an object or array: no comma before the first member
  std::string scratch_;
};

}  // namespace cambium::text
