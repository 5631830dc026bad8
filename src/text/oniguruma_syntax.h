#pragma once

#include <string>
#include <string_view>

namespace cambium::text {

/// Rewrites a regular expression from Oniguruma's Ruby syntax (what tokenizer.json holds) to PCRE2's, for PCRE2_UTF,
/// PCRE2_UCP and PCRE2_MULTILINE. What differs: \s \w \h \v \b and bracket names follow Oniguruma's Unicode tables;
/// `{n,m}+` repeats the repeat;
/// `{,m}` is a repeat; (?m) lets the dot match newlines; an option in mid-branch covers the branches behind it; sets
/// nest and intersect ([a-z&&[^aeiou]]); script names mean the script, not its extensions.
///
/// @throws ValueError  the pattern is malformed or uses what PCRE2 cannot say (absent operators, text-segment
/// boundaries): names the
///                     place and the construct
[[nodiscard]] std::string pcre_from_oniguruma(std::string_view pattern);

}  // namespace cambium::text
