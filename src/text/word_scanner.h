#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "text/char_class.h"

namespace cambium::text {

/// The split patterns of the well-known tokenizer families, matched by hand: an order of magnitude faster than the
/// regular expression, in time linear in the text. Each match begins where the last one ended, so the words cover the
/// text.
///
/// A test compares every pattern with its regular expression over random texts.
class WordScanner {
 public:
  /// The scanner for a regular expression as tokenizer files write it (character by character); nothing if it is not
  /// one of them.
  [[nodiscard]] static std::optional<WordScanner> for_pattern(std::string_view regex);
  /// GPT-2's own pattern, which ByteLevel uses.
  [[nodiscard]] static WordScanner gpt2();

  /// End of the word that begins at `begin` < text.size().
  [[nodiscard]] std::size_t next(std::string_view text, std::size_t begin) const;

 private:
  enum class Style {
    kGpt2,    // contractions; [space] letters | digits | others; blanks
    kCl100k,  // contractions in any case; [one other] letters; up to n digits; [space] others newlines*; blanks
    kO200k,   // words that change case once, contractions at their end; digits, others and blanks as above
  };
  struct Pattern {
    std::string_view regex;
    Style style;
    int digits;         // most digits in a word
    bool contractions;  // kO200k: taken at the end of a word
    bool slashes;       // kO200k: '/' may follow others, as newlines do
    bool marks;         // kCl100k: marks count as letters
  };
  static const Pattern kPatterns[];

  explicit WordScanner(const Pattern& pattern) : pattern_(&pattern), classes_(&CharClasses::get()) {}

  struct Place;
  [[nodiscard]] std::size_t next_gpt2(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t next_cl100k(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t next_o200k(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t cased_word(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t upper_word(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t digits(std::string_view text, std::size_t begin) const;
  [[nodiscard]] std::size_t others(std::string_view text, std::size_t begin, unsigned not_other) const;
  [[nodiscard]] std::size_t blanks(std::string_view text, std::size_t begin, bool newlines_end) const;

  const Pattern* pattern_;
  const CharClasses* classes_;
};

}  // namespace cambium::text
