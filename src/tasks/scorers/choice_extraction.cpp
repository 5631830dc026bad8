#include <algorithm>
#include <array>

#include "tasks/scorers/answer_statement.h"
#include "tasks/scorers/choice_question.h"
#include "tasks/scorers/short_answer.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;
using Choice = std::optional<std::size_t>;

constexpr std::string_view kClosing = ")].:,;}*\"'`$";

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

class Reader {
 public:
  Reader(std::string_view response, const ChoiceQuestion& question)
      : response_(jinja::strip(response)), question_(question) {
    for (const ChoiceQuestion::Option& option : question.options) texts_.push_back(plain_words(option.text));
  }

  [[nodiscard]] std::optional<ChosenOption> chosen() const {
    const std::optional<std::string_view> stated = stated_answer(response_);
    if (stated) {
      if (const Choice option = leading(*stated)) return ChosenOption{*option, "stated"};
      if (const Choice option = named(*stated)) return ChosenOption{*option, "stated"};
    }
    if (const Choice option = claimed()) return ChosenOption{*option, "claimed"};
    if (!stated && refusal_phrase(response_)) return std::nullopt;
    if (const Choice option = leading(response_)) return ChosenOption{*option, "label"};
    if (const Choice option = equal_text(response_)) return ChosenOption{*option, "text"};
    const std::size_t line = response_.rfind('\n');
    if (line != std::string_view::npos) {
      if (const Choice option = bare_label(response_.substr(line + 1))) return ChosenOption{*option, "last line"};
    }
    if (const Choice option = only_label()) return ChosenOption{*option, "only label"};
    if (const Choice option = only_text(plain_words(response_))) return ChosenOption{*option, "only text"};
    return std::nullopt;
  }

 private:
  // The option with a label as written; numbered options answer to letters, too.
  [[nodiscard]] Choice labelled(std::string_view label) const {
    std::string upper(label);
    if (upper.size() == 1 && upper[0] >= 'a' && upper[0] <= 'z') upper[0] = static_cast<char>(upper[0] - 'a' + 'A');
    for (std::size_t i = 0; i < question_.options.size(); ++i) {
      if (question_.options[i].label == upper) return i;
    }
    const bool numbered =
        !question_.options.empty() && question_.options[0].label.find_first_not_of("0123456789") == std::string::npos;
    const auto index = static_cast<std::size_t>(upper.empty() ? 255 : upper[0] - 'A');
    if (numbered && upper.size() == 1 && index < question_.options.size()) return index;
    return std::nullopt;
  }

  // The label that a text begins with.
  [[nodiscard]] Choice leading(std::string_view text) const {
    static const PythonRegex kOpening(
        R"([\s*_"'`{$\[(]*(?:\\(?:text|textbf|mathrm|boxed)\{)?(?:(?:option|choice|letter|answer)\s*[:#]?\s*)?[\s*_"'`{$\[(]*)",
        {.ignore_case = true});
    const auto opening = kOpening.match_start(text);
    const std::size_t begin = opening ? opening->end() : 0;
    std::size_t end = begin;
    if (end < text.size() && is_letter(text[end])) {
      ++end;
    } else {
      while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    }
    if (end == begin) return std::nullopt;
    const std::string_view label = text.substr(begin, end - begin);
    if (!stands_alone(label, text.substr(end))) return std::nullopt;
    return labelled(label);
  }

  // Whether what follows leaves a label a label.
  [[nodiscard]] static bool stands_alone(std::string_view label, std::string_view behind) {
    if (behind.empty() || behind[0] == '\n') return true;
    if (kClosing.find(behind[0]) != std::string_view::npos) {
      // "A's", "1.5" and "e.g." are no labels.
      const bool joins = behind[0] == '\'' || behind[0] == '.' || behind[0] == ',';
      return !joins || behind.size() == 1 || !jinja::is_alnum(static_cast<unsigned char>(behind[1]));
    }
    const bool is_capital = label[0] >= 'A' && label[0] <= 'Z';
    if (behind[0] != ' ' || !is_capital) return false;
    if (label != "A" && label != "I") return true;
    constexpr std::array<std::string_view, 9> kVerbs{"because", "since", "as", "is", "and", "which", "for", "due", "-"};
    const std::string_view next = jinja::strip(behind);
    const std::string_view word = next.substr(0, next.find_first_of(" ,.;:"));
    return word.empty() || std::ranges::find(kVerbs, word) != kVerbs.end();
  }

  // A line with a label and nothing else.
  [[nodiscard]] Choice bare_label(std::string_view line) const {
    static const PythonRegex kBare(R"([\s*_"'`(\[]*([A-Za-z]|[0-9]{1,2})[\s*_"'`)\].:]*)");
    const auto match = kBare.match_all(line);
    return match ? labelled(match->group(line, 1)) : std::nullopt;
  }

  [[nodiscard]] Choice claimed() const {
    static const PythonRegex kClaim(
        R"((?:\b(?:[Cc]hoose|[Cc]hose|[Pp]ick|[Ss]elect|[Gg]o with|[Gg]oing with)\s+(?:[Oo]ption\s+|[Cc]hoice\s+|[Aa]nswer\s+)?[*("\[]*([A-Z])\b(?!['’]))|(?:(?<![\w'’*(\[])[*(\[]*+([A-Z])[)*\]]*\s+(?:is|would be|must be)\s+(?:the\s+)?(?:most\s+)?(?:correct|right|best|answer|likely)))");
    Choice last;
    for (const PythonRegex::Match& match : kClaim.find_all(response_)) {
      const std::string_view label = match.group(response_, match.groups[1] ? 1 : 2);
      if (const Choice option = labelled(label)) last = option;
    }
    return last;
  }

  [[nodiscard]] Choice equal_text(std::string_view text) const {
    const std::string words = plain_words(text);
    if (words.empty()) return std::nullopt;
    Choice only;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (texts_[i] != words) continue;
      if (only) return std::nullopt;
      only = i;
    }
    return only;
  }

  // A statement that is an option's text, or begins with the text of one.
  [[nodiscard]] Choice named(std::string_view statement) const {
    if (const Choice option = equal_text(statement)) return option;
    const std::string words = plain_words(statement) + ' ';
    Choice longest;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      const bool begins = !texts_[i].empty() && words.starts_with(texts_[i] + ' ');
      if (begins && (!longest || texts_[i].size() > texts_[*longest].size())) longest = i;
    }
    return longest ? longest : only_text(words);
  }

  [[nodiscard]] Choice only_label() const {
    static const PythonRegex kMarked(
        R"(\(([A-Za-z]|[0-9])\)|\[([A-Z])\]|\*\*([A-Z])\*\*|(?<![\w'’(])([A-Z])\)(?=\s|$))");
    Choice only;
    for (const PythonRegex::Match& match : kMarked.find_all(response_)) {
      std::size_t group = 1;
      while (group < 4 && !match.groups[group]) ++group;
      const Choice option = labelled(match.group(response_, group));
      if (!option) continue;
      if (only && *only != *option) return std::nullopt;
      only = option;
    }
    return only;
  }

  // The one option whose text occurs, where it is not part of a longer option that occurs.
  [[nodiscard]] Choice only_text(const std::string& words) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (!texts_[i].empty() && contains_words(words, texts_[i])) found.push_back(i);
    }
    std::erase_if(found, [&, all = found](std::size_t i) {
      return std::ranges::any_of(all, [&](std::size_t j) {
        return texts_[j].size() > texts_[i].size() && contains_words(texts_[j], texts_[i]);
      });
    });
    return found.size() == 1 ? Choice(found[0]) : std::nullopt;
  }

  std::string_view response_;
  const ChoiceQuestion& question_;
  std::vector<std::string> texts_;
};

}  // namespace

std::optional<ChosenOption> extract_choice(std::string_view response, const ChoiceQuestion& question) {
  return Reader(response, question).chosen();
}

}  // namespace cambium::tasks
