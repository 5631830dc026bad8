#include "text/jinja_unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <span>

#include "text/jinja_unicode_tables.h"

namespace cambium::text::jinja {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kCapitalSigma = 0x3A3;
constexpr char32_t kFinalSigma = 0x3C2;

bool is_continuation(char byte) noexcept { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

utf8proc_category_t category(char32_t c) noexcept { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool in_ranges(std::span<const CodePointRange> ranges, char32_t c) noexcept {
  const auto after = std::ranges::upper_bound(ranges, c, {}, &CodePointRange::first);
  return after != ranges.begin() && c <= std::prev(after)->last;
}

const SpecialCase* special_case(std::span<const SpecialCase> table, char32_t c) noexcept {
  const auto found = std::ranges::lower_bound(table, c, {}, &SpecialCase::from);
  return found != table.end() && found->from == c ? &*found : nullptr;
}

void append_special(std::u32string& out, const SpecialCase& special) {
  for (const char32_t c : special.to) {
    if (c != 0) out.push_back(c);
  }
}

void append_upper(std::u32string& out, char32_t c) {
  if (const SpecialCase* special = special_case(special_upper_case(), c)) return append_special(out, *special);
  out.push_back(static_cast<char32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))));
}

void append_title(std::u32string& out, char32_t c) {
  if (const SpecialCase* special = special_case(special_title_case(), c)) return append_special(out, *special);
  out.push_back(static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c))));
}

bool is_cased(char32_t c) noexcept { return is_lower(c) || is_upper(c) || is_title(c); }

bool is_case_ignorable(char32_t c) noexcept {
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      break;
  }
  static constexpr std::array<char32_t, 10> kWordInner{0x27,  0x2E,  0x3A,   0xB7,   0x387,
                                                       0x55F, 0x5F4, 0x2018, 0x2019, 0x2024};
  return std::ranges::find(kWordInner, c) != kWordInner.end();
}

// A capital sigma that ends a word becomes a final one.
bool is_final_sigma(std::u32string_view text, std::size_t at) noexcept {
  std::size_t before = at;
  while (before > 0 && is_case_ignorable(text[before - 1])) --before;
  if (before == 0 || !is_cased(text[before - 1])) return false;
  std::size_t after = at + 1;
  while (after < text.size() && is_case_ignorable(text[after])) ++after;
  return after == text.size() || !is_cased(text[after]);
}

void append_lower(std::u32string& out, std::u32string_view text, std::size_t at) {
  const char32_t c = text[at];
  if (c == kCapitalSigma && is_final_sigma(text, at)) {
    out.push_back(kFinalSigma);
  } else if (c == 0x130) {  // capital I with a dot: an i and a combining dot
    out.append(U"i\u0307");
  } else {
    out.push_back(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char ascii_upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
char ascii_lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& position) noexcept {
  const auto lead = static_cast<unsigned char>(text[position++]);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
  if (more == 0) return kReplacement;
  char32_t c = lead & (0x3FU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    if (position == text.size() || !is_continuation(text[position])) return kReplacement;
    c = (c << 6U) | (static_cast<unsigned char>(text[position++]) & 0x3FU);
  }
  return c;
}

void append_code_point(std::string& text, char32_t c) {
  const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0U | (c >> 6U));
    put(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0U | (c >> 12U));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  } else {
    put(0xF0U | (c >> 18U));
    put(0x80U | ((c >> 12U) & 0x3FU));
    put(0x80U | ((c >> 6U) & 0x3FU));
    put(0x80U | (c & 0x3FU));
  }
}

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  std::size_t position = 0;
  while (position < text.size()) {
    if (static_cast<unsigned char>(text[position]) < 0x80) {
      ++position;
      continue;
    }
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t bytes = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + position,
                                                    static_cast<utf8proc_ssize_t>(text.size() - position), &c);
    if (bytes <= 0) return position;
    position += static_cast<std::size_t>(bytes);
  }
  return std::string_view::npos;
}

std::size_t count_code_points(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return !is_continuation(c); }));
}

std::size_t byte_offset(std::string_view text, std::size_t index) noexcept {
  std::size_t position = 0;
  for (; position < text.size(); ++position) {
    if (is_continuation(text[position])) continue;
    if (index == 0) break;
    --index;
  }
  return position;
}

std::u32string to_code_points(std::string_view text) {
  std::u32string code_points;
  code_points.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) code_points.push_back(next_code_point(text, position));
  return code_points;
}

std::string to_utf8(std::u32string_view code_points) {
  std::string text;
  text.reserve(code_points.size());
  for (const char32_t c : code_points) append_code_point(text, c);
  return text;
}

bool is_space(char32_t c) noexcept {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
         c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_break(char32_t c) noexcept {
  return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_printable(char32_t c) noexcept {
  if (c < 0x7F) return c >= ' ';
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return false;
    default:
      return true;
  }
}

bool is_alpha(char32_t c) noexcept {
  const utf8proc_category_t kind = category(c);
  return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_ND; }
bool is_digit(char32_t c) noexcept { return is_decimal(c) || in_ranges(digits_not_decimal(), c); }

bool is_numeric(char32_t c) noexcept {
  const utf8proc_category_t kind = category(c);
  return (kind >= UTF8PROC_CATEGORY_ND && kind <= UTF8PROC_CATEGORY_NO) || in_ranges(numeric_letters(), c);
}

bool is_alnum(char32_t c) noexcept { return is_alpha(c) || is_numeric(c); }
bool is_lower(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_LL || in_ranges(lower_case_not_letters(), c);
}
bool is_upper(char32_t c) noexcept {
  return category(c) == UTF8PROC_CATEGORY_LU || in_ranges(upper_case_not_letters(), c);
}
bool is_title(char32_t c) noexcept { return category(c) == UTF8PROC_CATEGORY_LT; }

bool is_identifier_start(char32_t c) noexcept { return c == '_' || is_alpha(c) || category(c) == UTF8PROC_CATEGORY_NL; }

bool is_identifier_part(char32_t c) noexcept {
  if (is_identifier_start(c)) return true;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

std::string to_upper(std::string_view text) {
  if (is_ascii(text)) {
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(), ascii_upper);
    return upper;
  }
  std::u32string out;
  for (const char32_t c : to_code_points(text)) append_upper(out, c);
  return to_utf8(out);
}

std::string to_lower(std::string_view text) {
  if (is_ascii(text)) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), ascii_lower);
    return lower;
  }
  const std::u32string in = to_code_points(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) append_lower(out, in, i);
  return to_utf8(out);
}

std::string to_title(std::string_view text) {
  const std::u32string in = to_code_points(text);
  std::u32string out;
  bool inside = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (inside) {
      append_lower(out, in, i);
    } else {
      append_title(out, in[i]);
    }
    inside = is_cased(in[i]);
  }
  return to_utf8(out);
}

std::string to_casefold(std::string_view text) {
  std::u32string out;
  for (const char32_t c : to_code_points(text)) {
    std::array<utf8proc_int32_t, 8> folded{};
    int boundary = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), folded.data(),
                                                           folded.size(), UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < count; ++i) {
      out.push_back(static_cast<char32_t>(folded[static_cast<std::size_t>(i)]));
    }
  }
  return to_utf8(out);
}

std::string capitalize(std::string_view text) {
  const std::u32string in = to_code_points(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (i == 0) {
      append_title(out, in[i]);
    } else {
      append_lower(out, in, i);
    }
  }
  return to_utf8(out);
}

std::string swap_case(std::string_view text) {
  const std::u32string in = to_code_points(text);
  std::u32string out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (is_upper(in[i])) {
      append_lower(out, in, i);
    } else if (is_lower(in[i])) {
      append_upper(out, in[i]);
    } else {
      out.push_back(in[i]);
    }
  }
  return to_utf8(out);
}

std::string_view strip(std::string_view text, bool left, bool right) noexcept {
  std::size_t begin = 0;
  while (left && begin < text.size()) {
    std::size_t next = begin;
    if (!is_space(next_code_point(text, next))) break;
    begin = next;
  }
  std::size_t end = text.size();
  while (right && end > begin) {
    std::size_t last = end - 1;
    while (last > begin && is_continuation(text[last])) --last;
    std::size_t next = last;
    if (!is_space(next_code_point(text, next))) break;
    end = last;
  }
  return text.substr(begin, end - begin);
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
  std::vector<std::string_view> lines;
  std::size_t begin = 0;
  for (std::size_t position = 0; position < text.size();) {
    const std::size_t end = position;
    const char32_t c = next_code_point(text, position);
    if (!is_line_break(c)) continue;
    if (c == '\r' && position < text.size() && text[position] == '\n') ++position;
    lines.push_back(text.substr(begin, (keep_ends ? position : end) - begin));
    begin = position;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

}  // namespace cambium::text::jinja
