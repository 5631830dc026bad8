#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace cambium::text {

/// A compiled regular expression of a tokenizer file (Oniguruma's Ruby syntax over Unicode), matched by PCRE2's JIT.
/// Safe to use from several threads at once.
class Regex {
 public:
  /// @throws ValueError  malformed, or a construct that is not supported; the message quotes the pattern
  explicit Regex(std::string_view pattern);
  /// A pattern that matches just these characters.
  [[nodiscard]] static Regex literal(std::string_view text);
  ~Regex();
  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;

  /// Calls found(begin, end) for each match in order, in bytes of `subject` (valid UTF-8): searching goes on where the
  /// last match ended, and an empty match right behind another match does not count.
  /// @throws ValueError  the search took too many steps (a pattern that backtracks without bound)
  template <typename Found>
  void for_each(std::string_view subject, Found&& found) const {
    Search search(*this, subject);
    while (search.next()) found(search.begin(), search.end());
  }

  [[nodiscard]] const std::string& pattern() const;

 private:
  struct Code;
  class Search {
   public:
    Search(const Regex& regex, std::string_view subject) : code_(*regex.code_), subject_(subject) {}
    bool next();
    [[nodiscard]] std::size_t begin() const { return begin_; }
    [[nodiscard]] std::size_t end() const { return end_; }

   private:
    bool match(std::size_t from);
    const Code& code_;
    std::string_view subject_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool matched_ = false;
  };

  Regex(std::string_view pattern, const std::string& translated);
  std::unique_ptr<Code> code_;
};

}  // namespace cambium::text
