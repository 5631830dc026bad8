#include "tasks/ifeval/word_splitter.h"

#include <span>

#include "tasks/ifeval/sentence_splitter.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

struct Rewrite {
  PythonRegex pattern;
  std::string_view replacement;
};

constexpr std::string_view kApart = R"( \g<0> )";
constexpr std::string_view kTwoApart = R"( \1 \2 )";
constexpr PythonRegex::Flags kEitherCase{.ignore_case = true};

// The rules in the order in which they are applied.
std::span<const Rewrite> mark_rewrites() {
  static const Rewrite kRewrites[] = {
      // opening quotes
      {PythonRegex("[«“‘„]|`+"), kApart},
      {PythonRegex(R"(^")"), "``"},
      {PythonRegex("``"), kApart},
      {PythonRegex(R"(([ (\[{<])(?:"|''))"), R"(\1 `` )"},
      {PythonRegex(R"((?<!\w)'(?!(?:re|ve|ll|m|t|s|d|n)\b)(?=\w))", kEitherCase), R"(\g<0> )"},
      // marks
      {PythonRegex(R"(([^.])(\.)([\])}>"'»”’ ]*+)\s*$)"), R"(\1 \2 \3 )"},
      {PythonRegex(R"(([:,])(\D))"), R"( \1 \2)"},
      {PythonRegex("[:,]$"), kApart},
      {PythonRegex(R"(\.{2,})"), kApart},
      {PythonRegex("[;@#$%&]"), kApart},
      {PythonRegex("[‒–—―]"), kApart},
      {PythonRegex(R"(([^.])(\.)([\])}>"']*)\s*$)"), R"(\1 \2\3 )"},
      {PythonRegex("[?!]"), kApart},
      {PythonRegex("([^'])' "), R"(\1 ' )"},
      {PythonRegex(R"(\*)"), kApart},
      {PythonRegex(R"([\]\[(){}<>])"), kApart},
      {PythonRegex("--"), " -- "},
  };
  return kRewrites;
}

// Those that see a text with a blank at both ends.
std::span<const Rewrite> ending_rewrites() {
  static const Rewrite kRewrites[] = {
      // closing quotes and endings
      {PythonRegex("[»”’]"), kApart},
      {PythonRegex("''"), " '' "},
      {PythonRegex("\""), " '' "},
      {PythonRegex(R"(\s+)"), " "},
      {PythonRegex("([^' ])('[sS]|'[mM]|'[dD]|') "), R"(\1 \2 )"},
      {PythonRegex("([^' ])('ll|'LL|'re|'RE|'ve|'VE|n't|N'T) "), R"(\1 \2 )"},
      // contracted words
      {PythonRegex(R"(\b(can)(not)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(d)('ye)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(gim)(me)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(gon)(na)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(got)(ta)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(lem)(me)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(more)('n)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"(\b(wan)(na)(?=\s))", kEitherCase), kTwoApart},
      {PythonRegex(R"( ('t)(is)\b)", kEitherCase), kTwoApart},
      {PythonRegex(R"( ('t)(was)\b)", kEitherCase), kTwoApart},
  };
  return kRewrites;
}

std::string rewritten(std::string text, std::span<const Rewrite> rewrites) {
  for (const Rewrite& rewrite : rewrites) text = rewrite.pattern.substitute(text, rewrite.replacement);
  return text;
}

void append_words(std::string_view text, std::vector<std::string>& words) {
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = begin;
    std::size_t next = begin;
    while (next < text.size() && !jinja::is_space(jinja::next_code_point(text, next))) end = next;
    if (end > begin) words.emplace_back(text.substr(begin, end - begin));
    begin = next;
  }
}

template <class Wanted, class Other>
bool all_of_case(std::string_view text, Wanted wanted, Other other) {
  bool found = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t c = jinja::next_code_point(text, position);
    if (other(c) || jinja::is_title(c)) return false;
    found = found || wanted(c);
  }
  return found;
}

}  // namespace

std::vector<std::string> treebank_words(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string_view sentence : split_sentences(text)) {
    std::string spaced = rewritten(std::string(sentence), mark_rewrites());
    spaced = rewritten(' ' + spaced + ' ', ending_rewrites());
    append_words(spaced, words);
  }
  return words;
}

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  bool inside = false;
  for (std::size_t position = 0; position < text.size();) {
    const char32_t c = jinja::next_code_point(text, position);
    const bool is_word = c == '_' || jinja::is_alnum(c);
    words += is_word && !inside ? 1 : 0;
    inside = is_word;
  }
  return words;
}

bool is_upper_text(std::string_view text) { return all_of_case(text, jinja::is_upper, jinja::is_lower); }
bool is_lower_text(std::string_view text) { return all_of_case(text, jinja::is_lower, jinja::is_upper); }

}  // namespace cambium::tasks::ifeval
