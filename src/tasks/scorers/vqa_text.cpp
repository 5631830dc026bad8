#include "tasks/scorers/vqa_text.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <unordered_map>
#include <vector>

#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

constexpr std::string_view kVqaMarks = ";/[]\"{}()=+\\_-><@`,?!";
constexpr std::array<std::string_view, 3> kArticles{"a", "an", "the"};
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kNumberWords{{{"none", "0"},
                                                                                      {"zero", "0"},
                                                                                      {"one", "1"},
                                                                                      {"two", "2"},
                                                                                      {"three", "3"},
                                                                                      {"four", "4"},
                                                                                      {"five", "5"},
                                                                                      {"six", "6"},
                                                                                      {"seven", "7"},
                                                                                      {"eight", "8"},
                                                                                      {"nine", "9"},
                                                                                      {"ten", "10"}}};
// Words that are written with one apostrophe too few.
constexpr std::string_view kContractions[] = {
    "ain't",     "aren't",       "can't",      "could've",     "couldn't",      "couldn't've",    "didn't",
    "doesn't",   "don't",        "hadn't",     "hadn't've",    "hasn't",        "haven't",        "he'd",
    "he'd've",   "he's",         "how'd",      "how'll",       "how's",         "isn't",          "it'd",
    "it'd've",   "it'll",        "ma'am",      "mightn't",     "mightn't've",   "might've",       "mustn't",
    "must've",   "needn't",      "not've",     "o'clock",      "oughtn't",      "'ow's'at",       "shan't",
    "she'd've",  "should've",    "shouldn't",  "shouldn't've", "somebody'd've", "somebody'll",    "somebody's",
    "someone'd", "someone'd've", "someone'll", "someone's",    "something'd",   "something'd've", "something'll",
    "that's",    "there'd",      "there'd've", "there're",     "there's",       "they'd",         "they'd've",
    "they'll",   "they're",      "they've",    "'twas",        "wasn't",        "we'd've",        "we've",
    "weren't",   "what'll",      "what're",    "what's",       "what've",       "when's",         "where'd",
    "where's",   "where've",     "who'd",      "who'd've",     "who'll",        "who's",          "who've",
    "why'll",    "why're",       "why's",      "won't",        "would've",      "wouldn't",       "wouldn't've",
    "y'all",     "y'all'll",     "y'all'd've", "you'd",        "you'd've",      "you'll",         "you're",
    "you've"};

const std::unordered_map<std::string, std::string_view>& contractions() {
  static const auto kBySpelling = [] {
    std::unordered_map<std::string, std::string_view> spellings;
    for (const std::string_view word : kContractions) {
      for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '\'') continue;
        std::string without(word);
        without.erase(i, 1);
        spellings.emplace(std::move(without), word);
      }
    }
    return spellings;
  }();
  return kBySpelling;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_thousands_comma(std::string_view text) {
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == ',' && is_digit(text[i - 1]) && is_digit(text[i + 1])) return true;
  }
  return false;
}

// A mark that touches a blank somewhere goes, all of it; one only between letters becomes a blank. A number with a
// comma makes all marks go.
std::string without_vqa_marks(std::string_view text) {
  const bool all_go = has_thousands_comma(text);
  std::array<bool, 128> goes{};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kVqaMarks.find(text[i]) == std::string_view::npos) continue;
    const bool touches = (i > 0 && text[i - 1] == ' ') || (i + 1 < text.size() && text[i + 1] == ' ');
    if (all_go || touches) goes[static_cast<unsigned char>(text[i])] = true;
  }
  std::string out;
  for (const char c : text) {
    if (kVqaMarks.find(c) == std::string_view::npos) {
      out += c;
    } else if (!goes[static_cast<unsigned char>(c)]) {
      out += ' ';
    }
  }
  std::string spoken;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] != '.' || (i + 1 < out.size() && is_digit(out[i + 1]))) spoken += out[i];
  }
  return spoken;
}

std::string_view as_digits(std::string_view word) {
  const auto found = std::ranges::find(kNumberWords, word, &std::pair<std::string_view, std::string_view>::first);
  return found == kNumberWords.end() ? word : found->second;
}

}  // namespace

std::string vqa_normalised(std::string_view answer) {
  std::string flat(answer);
  std::ranges::replace(flat, '\n', ' ');
  std::ranges::replace(flat, '\t', ' ');
  const std::string lower = jinja::to_lower(without_vqa_marks(jinja::strip(flat)));
  std::string out;
  for (std::size_t begin = 0; begin < lower.size();) {
    std::size_t end = begin;
    std::size_t next = begin;
    while (next < lower.size() && !jinja::is_space(jinja::next_code_point(lower, next))) end = next;
    std::string_view word = as_digits(std::string_view(lower).substr(begin, end - begin));
    begin = next;
    if (word.empty() || std::ranges::find(kArticles, word) != kArticles.end()) continue;
    const auto contraction = contractions().find(std::string(word));
    if (contraction != contractions().end()) word = contraction->second;
    if (!out.empty()) out += ' ';
    out += word;
  }
  return out;
}

double vqa_accuracy(std::string_view answer, std::span<const std::string> annotators) {
  const std::string given = vqa_normalised(answer);
  std::vector<bool> agrees;
  for (const std::string& annotator : annotators) agrees.push_back(vqa_normalised(annotator) == given);
  const auto matches = static_cast<double>(std::ranges::count(agrees, true));
  if (annotators.size() == 1) return matches;
  double sum = 0;
  for (const bool own : agrees) sum += std::min((matches - (own ? 1 : 0)) / 3, 1.0);
  return sum / static_cast<double>(annotators.size());
}

}  // namespace cambium::tasks
