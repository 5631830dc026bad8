#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cambium::text {

/// A Python pattern in PCRE2's syntax.
struct TranslatedPattern {
  std::string pattern;
  bool ascii = false;  ///< the pattern begins with (?a)
};

/// Rewrites what the two syntaxes read differently: \Z, \v, \uXXXX, {,n}, POSIX classes, flags.
/// @throws ValueError  an escape or flag that Python does not know
[[nodiscard]] TranslatedPattern translate_python_pattern(std::string_view pattern);

/// A piece of a replacement: text, or the group of a number or name.
struct ReplacementPart {
  enum class Kind { kText, kNumber, kName };
  Kind kind = Kind::kText;
  std::string text;
  std::size_t number = 0;
};

/// @throws ValueError  a malformed replacement
[[nodiscard]] std::vector<ReplacementPart> parse_python_replacement(std::string_view replacement);

}  // namespace cambium::text
