#include "text/word_scanner.h"

#include <algorithm>
#include <iterator>

#include "text/utf8.h"

namespace cambium::text {

namespace {

constexpr std::string_view kGpt2Regex = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Length of 's 't 'm 'd 're 've 'll at the start of `text`, or 0.
std::size_t contraction(std::string_view text, bool any_case) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const auto lower = [&](char c) { return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  const char first = lower(text[1]);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  // The long s folds to s.
  if (any_case && text.substr(1).starts_with("\xC5\xBF")) return 3;
  if (text.size() < 3) return 0;
  const char second = lower(text[2]);
  return (second == 'e' && (first == 'r' || first == 'v')) || (first == 'l' && second == 'l') ? 3 : 0;
}

/// A character with its classes.
struct Seen {
  std::uint16_t classes = 0;  // 0 behind the end
  std::size_t end = 0;
  [[nodiscard]] bool is(unsigned wanted) const { return (classes & wanted) != 0; }
};

Seen see(const CharClasses& classes, std::string_view text, std::size_t place) {
  if (place >= text.size()) return {0, place};
  const std::uint16_t found = classes.of(utf8::next(text, place));
  return {found, place};
}

/// End of the run of characters that have one of `wanted`.
std::size_t run(const CharClasses& classes, std::string_view text, std::size_t place, unsigned wanted) {
  while (place < text.size()) {
    std::size_t end = place;
    if (!classes.is(utf8::next(text, end), wanted)) break;
    place = end;
  }
  return place;
}

}  // namespace

const WordScanner::Pattern WordScanner::kPatterns[] = {
    {kGpt2Regex, Style::kGpt2, 0, true, false, false},
    // Llama 3; cl100k as Hugging Face writes it
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
     R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Style::kCl100k, 3, true, false, false},
    // Qwen 2 and 3
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
     R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Style::kCl100k, 1, true, false, false},
    // Qwen 3.5: marks belong to words
    {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N})"
     R"(| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Style::kCl100k, 1, true, false, true},
    // GPT-4o (o200k), Llama 4
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?)"
     R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Style::kO200k, 3, true, true, false},
    // Mistral's tekken
    {R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)"
     R"(|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)"
     R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
     Style::kO200k, 1, false, true, false},
};

std::optional<WordScanner> WordScanner::for_pattern(std::string_view regex) {
  const auto found = std::find_if(std::begin(kPatterns), std::end(kPatterns),
                                  [&](const Pattern& known) { return known.regex == regex; });
  return found == std::end(kPatterns) ? std::nullopt : std::optional(WordScanner(*found));
}

WordScanner WordScanner::gpt2() { return WordScanner(kPatterns[0]); }

std::size_t WordScanner::next(std::string_view text, std::size_t begin) const {
  switch (pattern_->style) {
    case Style::kGpt2:
      return next_gpt2(text, begin);
    case Style::kCl100k:
      return next_cl100k(text, begin);
    default:
      return next_o200k(text, begin);
  }
}

std::size_t WordScanner::digits(std::string_view text, std::size_t begin) const {
  std::size_t end = begin;
  for (int i = 0; i < pattern_->digits; ++i) {
    const Seen seen = see(*classes_, text, end);
    if (!seen.is(kNumber)) break;
    end = seen.end;
  }
  return end;
}

std::size_t WordScanner::others(std::string_view text, std::size_t begin, unsigned not_other) const {
  while (begin < text.size()) {
    const Seen seen = see(*classes_, text, begin);
    if (seen.is(not_other)) break;
    begin = seen.end;
  }
  return begin;
}

/// \s*[\r\n]+|\s+(?!\S)|\s+ at a blank: up to the last newline of the run, else all of it but the last blank, which
/// goes with what follows; all of it at the end of the text.
std::size_t WordScanner::blanks(std::string_view text, std::size_t begin, bool newlines_end) const {
  std::size_t end = begin;
  std::size_t last = begin;
  std::size_t newline = 0;
  while (end < text.size()) {
    const Seen seen = see(*classes_, text, end);
    if (!seen.is(kWhiteSpace)) break;
    last = end;
    end = seen.end;
    if (seen.is(kNewline)) newline = end;
  }
  if (newlines_end && newline > 0) return newline;
  return end == text.size() || last == begin ? end : last;
}

std::size_t WordScanner::next_gpt2(std::string_view text, std::size_t begin) const {
  if (const std::size_t length = contraction(text.substr(begin), false); length > 0) return begin + length;
  std::size_t start = begin;
  Seen seen = see(*classes_, text, begin);
  if (text[begin] == ' ') {
    start = seen.end;
    seen = see(*classes_, text, start);
    if (start == text.size()) return start;
  }
  if (seen.is(kLetter)) return run(*classes_, text, seen.end, kLetter);
  if (seen.is(kNumber)) return run(*classes_, text, seen.end, kNumber);
  if (!seen.is(kWhiteSpace)) return others(text, seen.end, kWhiteSpace | kLetter | kNumber);
  return blanks(text, begin, false);
}

std::size_t WordScanner::next_cl100k(std::string_view text, std::size_t begin) const {
  if (const std::size_t length = contraction(text.substr(begin), true); length > 0) return begin + length;
  const unsigned letter = pattern_->marks ? kLetter | kMark : kLetter;
  const Seen first = see(*classes_, text, begin);
  if (first.is(kLetter)) return run(*classes_, text, first.end, letter);
  if (first.is(kNumber)) return digits(text, begin);
  const Seen second = see(*classes_, text, first.end);
  if (!first.is(kNewline) && second.is(letter)) return run(*classes_, text, second.end, letter);
  if (first.is(letter)) return first.end;  // a mark with no letter behind
  const unsigned not_other = kWhiteSpace | kNumber | letter;
  std::size_t end = 0;
  if (!first.is(kWhiteSpace)) {
    end = others(text, first.end, not_other);
  } else if (text[begin] == ' ' && first.end < text.size() && !second.is(not_other)) {
    end = others(text, second.end, not_other);
  } else {
    return blanks(text, begin, true);
  }
  return run(*classes_, text, end, kNewline);
}

/// [upper]*[lower]+ with what is both (letters without case, marks) on either side; `begin` if there is none.
std::size_t WordScanner::cased_word(std::string_view text, std::size_t begin) const {
  std::size_t end = begin;
  std::size_t last_both = begin;  // end of the last character that could also be the lower part
  Seen seen;
  while ((seen = see(*classes_, text, end)).is(kUpperLike)) {
    end = seen.end;
    if (seen.is(kLowerLike)) last_both = end;
  }
  return seen.is(kLowerLike) ? run(*classes_, text, seen.end, kLowerLike) : last_both;
}

/// [upper]+ where no lower part follows; `begin` if there is none.
std::size_t WordScanner::upper_word(std::string_view text, std::size_t begin) const {
  return run(*classes_, text, begin, kUpperLike);
}

std::size_t WordScanner::next_o200k(std::string_view text, std::size_t begin) const {
  const Seen first = see(*classes_, text, begin);
  // One character that is no letter, digit or newline may stand in front of a word (a mark may be that, or the word's
  // beginning).
  const bool may_lead = !first.is(kLetter | kNumber | kNewline);
  std::size_t start = may_lead ? first.end : begin;
  std::size_t end = cased_word(text, start);
  if (end == start && may_lead) end = cased_word(text, start = begin);
  if (end == start) {
    start = may_lead ? first.end : begin;
    end = upper_word(text, start);
  }
  if (end > start) return end + (pattern_->contractions ? contraction(text.substr(end), true) : 0);
  if (first.is(kNumber)) return digits(text, begin);

  const unsigned not_other = kWhiteSpace | kLetter | kNumber;
  const Seen second = see(*classes_, text, first.end);
  if (!first.is(kWhiteSpace)) {
    end = others(text, first.end, not_other);
  } else if (text[begin] == ' ' && first.end < text.size() && !second.is(not_other)) {
    end = others(text, second.end, not_other);
  } else {
    return blanks(text, begin, true);
  }
  while (end < text.size() && (text[end] == '\r' || text[end] == '\n' || (pattern_->slashes && text[end] == '/')))
    ++end;
  return end;
}

}  // namespace cambium::text
