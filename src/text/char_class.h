#pragma once

#include <cstdint>
#include <vector>

/// Classes of characters (Unicode 16) that tokenizers split on.
namespace cambium::text {

enum CharClass : std::uint16_t {
  kLetter = 1U << 0U,       // general category L*
  kNumber = 1U << 1U,       // N*
  kMark = 1U << 2U,         // M*
  kPunctuation = 1U << 3U,  // P*
  kSymbol = 1U << 4U,       // S*
  kWhiteSpace = 1U << 5U,   // the property White_Space: U+0085 and U+3000 are in it, U+200B and U+180E are not
  kUpperLike = 1U << 6U,    // Lu, Lt, Lm, Lo, M*: what may begin a word in GPT-4o's pattern
  kLowerLike = 1U << 7U,    // Ll, Lm, Lo, M*: what may continue it
  kWord = 1U << 8U,         // \w as regular expressions over Unicode have it: Alphabetic, M*, Nd, Pc, Join_Control
  kControl = 1U << 9U,      // Cc, Cf, Co
  kNonSpacing = 1U << 10U,  // Mn
  kNewline = 1U << 11U,     // \r or \n
};

/// Classes of every character in a two-level table (about 150 KiB), built once per process in about a millisecond.
class CharClasses {
 public:
  [[nodiscard]] static const CharClasses& get();

  [[nodiscard]] std::uint16_t of(char32_t character) const {
    if (character < kAscii) return ascii_[character];
    return blocks_[(static_cast<std::size_t>(block_of_[character >> 8U]) << 8U) | (character & 0xFFU)];
  }
  [[nodiscard]] bool is(char32_t character, unsigned classes) const { return (of(character) & classes) != 0; }

 private:
  static constexpr std::size_t kAscii = 128;
  CharClasses();
  std::uint16_t ascii_[kAscii] = {};
  std::vector<std::uint16_t> block_of_;  // for each 256 characters
  std::vector<std::uint16_t> blocks_;
};

}  // namespace cambium::text
