#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cambium::text {

/// The inside of a PCRE2 bracket for a class of characters, and whether it has to be taken as its opposite ([^...]).
struct BracketItems {
  std::string items;
  bool negated = false;
};

/// \s, \w, \d or \h in Oniguruma's meaning over Unicode (lower-case letter; the upper-case ones are the opposites).
[[nodiscard]] BracketItems shorthand_class(char letter);

/// \p{NAME}: a general category (long or short), a bracket name of POSIX, a script or a binary property; nothing if
/// there is none.
[[nodiscard]] std::optional<BracketItems> property_class(std::string_view name);

/// The name inside [:NAME:].
[[nodiscard]] std::optional<BracketItems> posix_class(std::string_view name);

}  // namespace cambium::text
