#include "text/jinja_wordwrap.h"

#include <algorithm>

#include "text/jinja_unicode.h"

namespace cambium::text::jinja {
namespace {

using Characters = std::u32string_view;

bool is_blank(char32_t c) { return c == ' ' || (c >= 9 && c <= 13); }
bool is_letter(char32_t c) { return c == '_' || (is_alnum(c) && !is_decimal(c)); }
bool is_word(char32_t c) { return c == '_' || is_alnum(c); }
bool is_word_or_mark(char32_t c) { return is_word(c) || Characters(U"!\"'&.,?").find(c) != Characters::npos; }

// Two or more hyphens at `at`, a word character behind them: how many; else 0.
std::size_t dash_length(Characters text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && text[end] == '-') ++end;
  return end - at >= 2 && end < text.size() && is_word(text[end]) ? end - at : 0;
}

// Whether a line may break behind the hyphen at `at`: "well-known", "a-b-cd", but not "-x" or "1-2".
bool breaks_behind_hyphen(Characters text, std::size_t at) {
  const bool two_letters = at >= 2 && is_letter(text[at - 1]) && is_letter(text[at - 2]);
  const bool hyphenated = at >= 3 && is_word_or_mark(text[at - 1]) && text[at - 2] == '-' && is_letter(text[at - 3]);
  if (!two_letters && !hyphenated) return false;
  std::size_t next = at + 1;
  if (next >= text.size() || !is_letter(text[next])) return false;
  if (++next < text.size() && text[next] == '-') ++next;
  return next < text.size() && is_letter(text[next]);
}

std::size_t chunk_end(Characters text, std::size_t begin, bool hyphens) {
  std::size_t end = begin;
  if (is_blank(text[begin])) {
    while (end < text.size() && is_blank(text[end])) ++end;
    return end;
  }
  if (hyphens && begin > 0 && is_word_or_mark(text[begin - 1])) {
    const std::size_t dashes = dash_length(text, begin);
    if (dashes > 0) return begin + dashes;
  }
  for (end = begin + 1; end < text.size() && !is_blank(text[end]); ++end) {
    if (!hyphens || text[end] != '-') continue;
    if (breaks_behind_hyphen(text, end)) return end + 1;
    if (is_word_or_mark(text[end - 1]) && dash_length(text, end) > 0) return end;
  }
  return end;
}

bool all_blank(Characters text) { return std::ranges::all_of(text, is_space); }

}  // namespace

std::vector<std::string> wrap_words(std::string_view paragraph, std::size_t width, bool break_long_words,
                                    bool break_on_hyphens) {
  const std::u32string text = to_code_points(paragraph);
  std::vector<Characters> chunks;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = chunk_end(text, begin, break_on_hyphens);
    chunks.push_back(Characters(text).substr(begin, end - begin));
    begin = end;
  }
  std::vector<std::string> lines;
  for (std::size_t next = 0; next < chunks.size();) {
    std::vector<Characters> line;
    std::size_t size = 0;
    if (!lines.empty() && all_blank(chunks[next])) ++next;
    while (next < chunks.size() && size + chunks[next].size() <= width) {
      size += chunks[next].size();
      line.push_back(chunks[next++]);
    }
    if (next < chunks.size() && chunks[next].size() > width) {
      const std::size_t room = width - size;
      if (break_long_words) {
        std::size_t cut = std::min(room, chunks[next].size());
        if (break_on_hyphens && chunks[next].size() > room) {
          const std::size_t hyphen = chunks[next].substr(0, room).rfind(U'-');
          if (hyphen != Characters::npos && hyphen > 0 &&
              !std::ranges::all_of(chunks[next].substr(0, hyphen), [](char32_t c) { return c == '-'; })) {
            cut = hyphen + 1;
          }
        }
        line.push_back(chunks[next].substr(0, cut));
        chunks[next].remove_prefix(cut);
      } else if (line.empty()) {
        line.push_back(chunks[next++]);
      }
    }
    if (!line.empty() && all_blank(line.back())) line.pop_back();
    std::u32string whole;
    for (const Characters part : line) whole += part;
    if (!line.empty()) lines.push_back(to_utf8(whole));
  }
  return lines;
}

}  // namespace cambium::text::jinja
