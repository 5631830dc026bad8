#include "tasks/scorers/short_answer.h"

#include <algorithm>
#include <array>
#include <vector>

#include "tasks/scorers/answer_statement.h"
#include "tasks/scorers/number_text.h"
#include "text/char_class.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

std::vector<std::string_view> words_of(std::string_view plain) {
  std::vector<std::string_view> words;
  while (!plain.empty()) {
    const std::size_t end = plain.find(' ');
    words.push_back(plain.substr(0, end));
    plain.remove_prefix(end == std::string_view::npos ? plain.size() : end + 1);
  }
  return words;
}

std::optional<bool> as_yes_no(std::string_view word) {
  constexpr std::array<std::string_view, 5> kYes{"yes", "true", "yeah", "yep", "correct"};
  constexpr std::array<std::string_view, 4> kNo{"no", "false", "nope", "incorrect"};
  if (std::ranges::find(kYes, word) != kYes.end()) return true;
  if (std::ranges::find(kNo, word) != kNo.end()) return false;
  return std::nullopt;
}

std::optional<int> as_digit(std::string_view word) {
  constexpr std::array<std::string_view, 10> kWords{"zero", "one", "two",   "three", "four",
                                                    "five", "six", "seven", "eight", "nine"};
  if (word == "oh") return 0;
  if (word.size() == 1 && word[0] >= '0' && word[0] <= '9') return word[0] - '0';
  const auto found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<int>(found - kWords.begin());
}

// The only value that the words have.
template <class Value, class Read>
std::optional<Value> only_value(const std::vector<std::string_view>& words, Read read) {
  std::optional<Value> only;
  for (const std::string_view word : words) {
    const std::optional<Value> value = read(word);
    if (!value) continue;
    if (only && *only != *value) return std::nullopt;
    only = value;
  }
  return only;
}

std::optional<bool> yes_no_of(std::string_view text) {
  const std::string plain = plain_words(text);
  const std::vector<std::string_view> words = words_of(plain);
  if (words.empty()) return std::nullopt;
  if (const std::optional<bool> first = as_yes_no(words[0])) return first;
  return only_value<bool>(words, as_yes_no);
}

std::optional<int> digit_of(std::string_view text) {
  const std::string plain = plain_words(text);
  return only_value<int>(words_of(plain), as_digit);
}

}  // namespace

std::string plain_words(std::string_view text) {
  constexpr std::array<std::string_view, 3> kArticles{"a", "an", "the"};
  const text::CharClasses& classes = text::CharClasses::get();
  const std::string lower = jinja::to_lower(text);
  std::string out;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty() && std::ranges::find(kArticles, word) == kArticles.end()) {
      if (!out.empty()) out += ' ';
      out += word;
    }
    word.clear();
  };
  for (std::size_t position = 0; position < lower.size();) {
    const std::size_t begin = position;
    const char32_t c = jinja::next_code_point(lower, position);
    if (classes.is(c, text::kLetter | text::kNumber | text::kMark)) {
      word += std::string_view(lower).substr(begin, position - begin);
      continue;
    }
    // The point of "2.5" stays, so that it is not "25"; an apostrophe joins.
    const bool decimal = c == '.' && begin > 0 && lower[begin - 1] >= '0' && lower[begin - 1] <= '9' &&
                         position < lower.size() && lower[position] >= '0' && lower[position] <= '9';
    if (decimal) {
      word += '.';
    } else if (c != '\'' && c != U'’') {
      end_word();
    }
  }
  end_word();
  return out;
}

bool contains_words(std::string_view text, std::string_view words) {
  for (std::size_t at = text.find(words); at != std::string_view::npos; at = text.find(words, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == ' ';
    const bool ends = at + words.size() == text.size() || text[at + words.size()] == ' ';
    if (begins && ends) return true;
  }
  return false;
}

std::optional<bool> extract_yes_no(std::string_view response) {
  if (const auto stated = stated_answer(response)) {
    if (const std::optional<bool> answer = yes_no_of(*stated)) return answer;
  }
  return yes_no_of(response);
}

std::optional<int> extract_digit(std::string_view response) {
  if (const auto stated = stated_answer(response)) {
    if (const std::optional<int> answer = digit_of(*stated)) return answer;
  }
  return digit_of(response);
}

std::optional<double> extract_number(std::string_view response) {
  if (const auto stated = stated_answer(response)) {
    const std::vector<FoundNumber> numbers = find_numbers(*stated);
    if (const std::optional<double> whole = read_number(*stated)) return whole;
    if (!numbers.empty()) return numbers.front().value;
  }
  const std::vector<FoundNumber> numbers = find_numbers(response);
  return numbers.empty() ? std::nullopt : std::optional(numbers.back().value);
}

}  // namespace cambium::tasks
