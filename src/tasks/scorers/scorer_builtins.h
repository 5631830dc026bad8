#pragma once

#include <vector>

#include "tasks/builtin_functions.h"

namespace cambium::tasks {

// What the shipped task files name behind `!function`: scorers as process_results. All throw RecipeError for a
// malformed document or an answer that is no text.

/// IFEval: prompt_level_strict_acc, inst_level_strict_acc (a list), and the loose ones.
[[nodiscard]] MetricValues ifeval_results(const text::jinja::Value& document,
                                          const std::vector<text::jinja::Value>& responses);
/// Mean over all entries of lists of truth values. @throws ValueError  there are none
[[nodiscard]] double mean_of_lists(const std::vector<text::jinja::Value>& lists);

/// VQA: vqa_accuracy by consensus of the document's `answers`, or with its single `answer`.
[[nodiscard]] MetricValues vqa_results(const text::jinja::Value& document,
                                       const std::vector<text::jinja::Value>& responses);

/// Spoken digits that are answered in words or figures: acc against the document's `digit`.
[[nodiscard]] MetricValues spoken_digit_results(const text::jinja::Value& document,
                                                const std::vector<text::jinja::Value>& responses);

}  // namespace cambium::tasks
