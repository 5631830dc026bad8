#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// What a scorer says about one recorded answer.
struct AnswerScore {
  /// Fields of the output row, in order: `extracted` and `correct`, or what the scorer documents.
  std::vector<std::pair<std::string, text::jinja::Value>> fields;
  /// Values that are averaged over all samples that have the metric: one each, or several (IFEval's instructions).
  std::vector<std::pair<std::string, std::vector<double>>> metrics;
};

struct ScorerOptions {
  std::string gold_field;   ///< of the data; empty: the first of the scorer's usual names that the row has
  double tolerance = 1e-9;  ///< of numbers: the largest difference, relative to the gold one where that is above 1
  bool by_kind = false;     ///< IFEval: also metrics of each kind of instruction
  std::uint64_t seed = 0;   ///< of IFEval's random draws
};

/// A way to score recorded answers without a model; docs/scorers.md has the rules of each.
struct Scorer {
  std::string_view name;
  std::string_view help;
  /// @param document  a row of the data @throws RecipeError  a malformed row; the message names the field
  AnswerScore (*score)(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
};

/// In the order of --help. Source: src/tasks/scorers/scorer_table.cpp.
[[nodiscard]] std::span<const Scorer> scorers();
/// @throws UsageError  unknown; the message lists the known ones
[[nodiscard]] const Scorer& find_scorer(std::string_view name);

// Rows of the table.
AnswerScore score_choice(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_gsm8k(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_ifeval(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_match(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_number(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_spoken_digit(const text::jinja::Value& document, const std::string& response,
                               const ScorerOptions& options);
AnswerScore score_vqa(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);
AnswerScore score_yes_no(const text::jinja::Value& document, const std::string& response, const ScorerOptions& options);

}  // namespace cambium::tasks
