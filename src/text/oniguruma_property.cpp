#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/oniguruma_property.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <span>
#include <utility>

namespace cambium::text {

namespace {

using Named = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kSpaceItems =
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}";
/// [[:word:]]; \\w and \\p{Word} have six superscripts and fractions besides.
constexpr std::string_view kWordItems =
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}"
    "\\x{1f150}-\\x{1f169}\\x{1f170}-\\x{1f189}";

constexpr std::string_view kMoreWordItems = "\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}";

constexpr Named kPosix[] = {
    {"alnum", "\\p{Alphabetic}\\p{Nd}"}, {"alpha", "\\p{Alphabetic}"}, {"ascii", "\\x{0}-\\x{7f}"},
    {"blank", "\\p{Zs}\\x{9}"},          {"cntrl", "\\p{Cc}"},         {"digit", "\\p{Nd}"},
    {"lower", "\\p{Lowercase}"},         {"punct", "\\p{P}\\p{S}"},    {"space", kSpaceItems},
    {"upper", "\\p{Uppercase}"},         {"word", kWordItems},         {"xdigit", "0-9A-Fa-f"},
};

constexpr Named kCategories[] = {
    {"letter", "L"},
    {"casedletter", "L&"},
    {"lc", "L&"},
    {"uppercaseletter", "Lu"},
    {"lowercaseletter", "Ll"},
    {"titlecaseletter", "Lt"},
    {"modifierletter", "Lm"},
    {"otherletter", "Lo"},
    {"mark", "M"},
    {"combiningmark", "M"},
    {"nonspacingmark", "Mn"},
    {"spacingmark", "Mc"},
    {"enclosingmark", "Me"},
    {"number", "N"},
    {"decimalnumber", "Nd"},
    {"letternumber", "Nl"},
    {"othernumber", "No"},
    {"punctuation", "P"},
    {"connectorpunctuation", "Pc"},
    {"dashpunctuation", "Pd"},
    {"openpunctuation", "Ps"},
    {"closepunctuation", "Pe"},
    {"initialpunctuation", "Pi"},
    {"finalpunctuation", "Pf"},
    {"otherpunctuation", "Po"},
    {"symbol", "S"},
    {"mathsymbol", "Sm"},
    {"currencysymbol", "Sc"},
    {"modifiersymbol", "Sk"},
    {"othersymbol", "So"},
    {"separator", "Z"},
    {"spaceseparator", "Zs"},
    {"lineseparator", "Zl"},
    {"paragraphseparator", "Zp"},
    {"other", "C"},
    {"control", "Cc"},
    {"format", "Cf"},
    {"surrogate", "Cs"},
    {"privateuse", "Co"},
    {"unassigned", "Cn"},
};

constexpr std::string_view kShortCategories[] = {
    "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl", "No", "P",  "Pc", "Pd", "Ps", "Pe",
    "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk", "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cs", "Co", "Cn"};

/// Names are compared without case, spaces, underscores and hyphens.
std::string folded(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

std::optional<std::string_view> find(std::span<const Named> table, std::string_view name) {
  const auto row = std::find_if(table.begin(), table.end(), [&](const Named& entry) { return entry.first == name; });
  return row == table.end() ? std::nullopt : std::optional(row->second);
}

bool pcre_knows(const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE place = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                                   &error, &place, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

}  // namespace

BracketItems shorthand_class(char letter) {
  switch (letter) {
    case 's':
      return {std::string(kSpaceItems)};
    case 'w':
      return {std::string(kWordItems) + std::string(kMoreWordItems)};
    case 'd':
      return {"\\p{Nd}"};
    default:
      return {"0-9A-Fa-f"};
  }
}

std::optional<BracketItems> posix_class(std::string_view name) {
  if (name == "print") return BracketItems{"\\x{2028}\\x{2029}\\p{Cc}\\p{Cn}\\p{Cs}", true};
  if (name == "graph") return BracketItems{"\\p{Z}\\p{Cc}\\p{Cn}\\p{Cs}", true};
  if (const auto items = find(kPosix, name)) return BracketItems{std::string(*items)};
  return std::nullopt;
}

std::optional<BracketItems> property_class(std::string_view name) {
  const bool negated = name.starts_with('^');
  if (negated) name.remove_prefix(1);
  const std::string key = folded(name);
  const auto made = [&](std::string items) { return BracketItems{std::move(items), negated}; };
  if (key == "any") return made("\\x{0}-\\x{10ffff}");
  if (key == "assigned") return made("\\P{Cn}");
  if (const auto category = find(kCategories, key)) return made(fmt::format("\\p{{{}}}", *category));
  for (const std::string_view category : kShortCategories) {
    if (folded(category) == key) return made(fmt::format("\\p{{{}}}", category));
  }
  if (key == "punct") return made("\\p{P}");  // without the symbols that [[:punct:]] has
  if (key == "word") return made(shorthand_class('w').items);
  if (auto posix = posix_class(key)) {
    posix->negated = posix->negated != negated;
    return posix;
  }
  const bool plain =
      std::all_of(key.begin(), key.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  if (!plain || key.empty()) return std::nullopt;
  for (const std::string& property : {fmt::format("\\p{{sc:{}}}", key), fmt::format("\\p{{{}}}", key)}) {
    if (pcre_knows(property)) return made(property);
  }
  return std::nullopt;
}

}  // namespace cambium::text
