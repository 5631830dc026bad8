#include "tasks/ifeval/sentence_splitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tasks/ifeval/punkt_parameters.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

constexpr std::string_view kAsciiBlanks = " \t\n\r\v\f";
constexpr std::string_view kNumber = "##number##";

/// A word with what the passes decide about it.
struct Token {
  explicit Token(std::string_view written);

  [[nodiscard]] bool ends_in_period() const { return text.ends_with('.'); }
  /// The type without its last period.
  [[nodiscard]] std::string_view bare_type() const {
    const std::string_view all = type;
    return all.size() > 1 && all.ends_with('.') ? all.substr(0, all.size() - 1) : all;
  }
  /// The type, without its period where that ends the sentence.
  [[nodiscard]] std::string_view sentence_type() const { return ends_sentence ? bare_type() : std::string_view(type); }
  [[nodiscard]] char32_t first() const {
    std::size_t position = 0;
    return jinja::next_code_point(text, position);
  }
  /// A single letter and a period.
  [[nodiscard]] bool is_initial() const {
    std::size_t position = 0;
    const char32_t c = jinja::next_code_point(text, position);
    return (c == '_' || (jinja::is_alnum(c) && !jinja::is_decimal(c))) && text.substr(position) == ".";
  }

  std::string_view text;
  std::string type;  ///< lower case, numbers as one
  bool ends_sentence = false;
  bool is_abbreviation = false;
  bool is_ellipsis = false;
};

Token::Token(std::string_view written) : text(written), type(jinja::to_lower(written)) {
  static const PythonRegex kNumeric(R"(-?[.,]?\d[\d,.-]*)");  // the closing period is one of the repeated marks
  if (kNumeric.match_all(type)) type = kNumber;
}

bool only_periods(std::string_view text) { return text.find_first_not_of('.') == std::string_view::npos; }

// By the word alone.
void decide_by_type(Token& token, const PunktParameters& parameters) {
  if (token.text == "." || token.text == "?" || token.text == "!") {
    token.ends_sentence = true;
  } else if (token.text.size() > 1 && only_periods(token.text)) {
    token.is_ellipsis = true;
  } else if (token.ends_in_period() && !token.text.ends_with("..")) {
    const std::string word = jinja::to_lower(token.text.substr(0, token.text.size() - 1));
    const std::string_view last_part = std::string_view(word).substr(word.rfind('-') + 1);
    token.is_abbreviation = parameters.is_abbreviation(word) || parameters.is_abbreviation(last_part);
    token.ends_sentence = !token.is_abbreviation;
  }
}

// Whether a word in its spelling starts a sentence; nothing if its contexts do not say.
std::optional<bool> starts_sentence(const Token& token, const PunktParameters& parameters) {
  constexpr std::array<std::string_view, 6> kMarks{";", ":", ",", ".", "!", "?"};
  if (std::ranges::find(kMarks, token.text) != kMarks.end()) return false;
  const unsigned contexts = parameters.contexts(token.sentence_type());
  if (jinja::is_upper(token.first()) && (contexts & PunktParameters::kLower) != 0 &&
      (contexts & PunktParameters::kInnerUpper) == 0) {
    return true;
  }
  if (jinja::is_lower(token.first()) &&
      ((contexts & PunktParameters::kUpper) != 0 || (contexts & PunktParameters::kFirstLower) == 0)) {
    return false;
  }
  return std::nullopt;
}

// By the word and the next.
void decide_by_neighbour(Token& token, const Token& next, const PunktParameters& parameters) {
  if (!token.ends_in_period()) return;
  const std::string_view type = token.bare_type();
  const std::string_view next_type = next.sentence_type();
  const bool initial = token.is_initial();
  const auto make_abbreviation = [&token] {
    token.ends_sentence = false;
    token.is_abbreviation = true;
  };
  if (parameters.is_collocation(type, next_type)) return make_abbreviation();
  if ((token.is_abbreviation || token.is_ellipsis) && !initial) {
    if (starts_sentence(next, parameters).value_or(false) ||
        (jinja::is_upper(next.first()) && parameters.starts_sentences(next_type))) {
      token.ends_sentence = true;
      return;
    }
  }
  if (!initial && type != kNumber) return;
  const std::optional<bool> starts = starts_sentence(next, parameters);
  const bool always_capital =
      initial && jinja::is_upper(next.first()) && (parameters.contexts(next_type) & PunktParameters::kLower) == 0;
  if (starts ? !*starts : always_capital) make_abbreviation();
}

// Punctuation other than the period is a token of its own, also a comma at a word's end; "--", "..." and ". . ." stay
// together.
const PythonRegex& word_pattern() {
  static const std::string kEnd = R"re([?!)";}\]*:@'({\[])re";  // what no word contains
  static const std::string kStart = R"re([^("`{\[:;&#*@)}\]\-,])re";
  static const std::string kMany = R"(-{2,}|\.{2,}|(?:\.\s){2,}\.)";
  static const PythonRegex kWord(
      fmt::format(R"((?:{1})|(?={2})\S+?(?=\s|$|{0}|{1}|,(?=$|\s|{0}|{1}))|\S)", kEnd, kMany, kStart));
  return kWord;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    for (const PythonRegex::Match& word : word_pattern().find_all(line)) tokens.emplace_back(word.group(line, 0));
  }
  return tokens;
}

// Whether a token before the last ends a sentence.
bool has_sentence_end(std::string_view context, const PunktParameters& parameters) {
  std::vector<Token> tokens = tokens_of(context);
  for (Token& token : tokens) decide_by_type(token, parameters);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    decide_by_neighbour(tokens[i], tokens[i + 1], parameters);
    if (tokens[i].ends_sentence) return true;
  }
  return false;
}

/// A mark that may end a sentence, with the word it belongs to and what follows.
struct Candidate {
  std::size_t word_begin = 0;
  std::size_t mark = 0;  ///< position of . ? or !
  std::size_t context_end = 0;
  std::size_t next_begin = 0;  ///< where the next sentence would begin
};

// The last candidate of each run of characters without blanks.
std::vector<Candidate> candidates_in(std::string_view text) {
  static const PythonRegex kMark(R"re([.?!](?=([?!)";}\]*:@'({\[])|\s+(\S+)))re");
  std::vector<Candidate> candidates;
  std::size_t searched_from = 0;  // the mark before, or the start
  std::size_t word_begin = 0;
  for (const PythonRegex::Match& match : kMark.find_all(text)) {
    const std::string_view before = text.substr(searched_from, match.begin() - searched_from);
    const std::size_t blank = before.find_last_of(kAsciiBlanks);
    // A blank right behind the mark before does not start a word (as in the reference).
    if (blank != std::string_view::npos && blank != 0) word_begin = searched_from + blank + 1;
    Candidate candidate{word_begin, match.begin(), 0, match.end()};
    if (const auto& next = match.groups[2]) {
      candidate.context_end = next->second;
      candidate.next_begin = next->first;
    } else {
      candidate.context_end = match.groups[1]->second;
    }
    if (!candidates.empty() && word_begin < candidates.back().mark) candidates.pop_back();
    candidates.push_back(candidate);
    searched_from = match.begin();
  }
  return candidates;
}

std::vector<std::string_view> sentences_by_marks(std::string_view text) {
  const PunktParameters& parameters = PunktParameters::english();
  std::vector<std::string_view> sentences;
  std::size_t begin = 0;
  for (const Candidate& candidate : candidates_in(text)) {
    const std::string_view context = text.substr(candidate.word_begin, candidate.context_end - candidate.word_begin);
    if (!has_sentence_end(context, parameters)) continue;
    sentences.push_back(text.substr(begin, candidate.mark + 1 - begin));
    begin = candidate.next_begin;
  }
  const std::size_t end = jinja::strip(text, false, true).size();
  sentences.push_back(end > begin ? text.substr(begin, end - begin) : text.substr(begin, 0));
  return sentences;
}

}  // namespace

std::vector<std::string_view> split_sentences(std::string_view text) {
  // Closing quotes and brackets belong to the sentence before them.
  static const PythonRegex kClosing(R"re(["')\]}]+?(?:\s+|(?=--)|$))re", {.multi_line = true});
  const std::vector<std::string_view> parts = sentences_by_marks(text);
  std::vector<std::string_view> sentences;
  std::size_t moved = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = parts[i].substr(std::min(moved, parts[i].size()));
    moved = 0;
    const std::optional<PythonRegex::Match> closing =
        i + 1 < parts.size() ? kClosing.match_start(parts[i + 1]) : std::nullopt;
    if (closing) {
      const std::string_view marks = jinja::strip(closing->group(parts[i + 1], 0), false, true);
      sentences.emplace_back(part.data(), static_cast<std::size_t>(marks.data() + marks.size() - part.data()));
      moved = closing->end();
    } else if (!part.empty()) {
      sentences.push_back(part);
    }
  }
  return sentences;
}

}  // namespace cambium::tasks::ifeval
