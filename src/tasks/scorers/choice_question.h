#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// The options of a multiple-choice question as a row of data gives them.
struct ChoiceQuestion {
  struct Option {
    std::string label;  ///< "A", "B" ... or "1", "2" ...
    std::string text;   ///< may be empty where only labels are known
  };
  std::vector<Option> options;
  std::size_t gold = 0;

  /// Options are taken from `choices` or `options` (a list of texts, also with their labels as in "A)12"; a list of
  /// objects or an object with `text` and `label`; an object from label to text), `endings`, `option1` ..., `sol1` ...,
  /// the fields `A`, `B` ..., or lines "(A) text" in `input`, `question`, `query` or `prompt`; without any, labels A to
  /// R without texts. The right one is found by its label, its number from 0, or its text, in `gold_field` or
  /// answerKey, answer, gold, label, correct, answer_index, answer_idx or target.
  /// @throws RecipeError  malformed, or the right answer is none of the options
  [[nodiscard]] static ChoiceQuestion of(const text::jinja::Value& document, std::string_view gold_field);
};

/// Which option a response chooses.
struct ChosenOption {
  std::size_t option = 0;
  std::string_view
      rule;  ///< that found it: "stated", "claimed", "label", "text", "last line", "only label", "only text"
};

/// Reads a choice by these rules, the first that finds one deciding:
///   1. stated      what the response states as its answer (answer_statement.h) begins with a label, or is an option
///   2. claimed     "I choose B", "go with B", "B is correct": the last such claim
///   3. label       the response begins with a label: "B", "B.", "(B)", "**B**", "B) text", "Option B"
///   4. text        the response is an option's text
///   5. last line   the last line is no more than a label
///   6. only label  one label alone occurs in brackets, bold or before ")"
///   7. only text   one option's text alone occurs, as words
/// Nothing for a refusal that states nothing. "A" and "I" count as labels only where no word follows that makes them
/// an article or pronoun; a small letter only in brackets, before a mark, or alone.
[[nodiscard]] std::optional<ChosenOption> extract_choice(std::string_view response, const ChoiceQuestion& question);

}  // namespace cambium::tasks
