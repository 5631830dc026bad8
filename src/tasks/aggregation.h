#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

[[nodiscard]] std::span<const std::string_view> known_aggregations();
[[nodiscard]] bool is_known_aggregation(std::string_view name);

/// One number from the values of all documents, as lm-evaluation-harness aggregates them.
/// @param values  numbers for mean, median, nanmean and perplexity; (log-likelihood, weight) for weighted_perplexity
/// and
///                bits_per_byte; (gold, predicted) for f1 and matthews_corrcoef; (gold, probabilities) for brier_score;
///                (reference or references, answer) for bleu and chrf
/// @throws ValueError  no values, or values the aggregation has no number for
[[nodiscard]] double aggregate(std::string_view name, const std::vector<text::jinja::Value>& values);

/// The standard error of that number: of a mean its sample standard deviation / sqrt(n); for perplexity, f1, mcc,
/// median, nanmean, bleu and chrf a bootstrap with Python's random numbers, the same as the reference's; nothing for
/// the others and for one value.
/// @param bootstrap_draws  resamples (bleu and chrf: at most 100); 0: no standard errors at all
[[nodiscard]] std::optional<double> standard_error(std::string_view name, const std::vector<text::jinja::Value>& values,
                                                   std::size_t bootstrap_draws = 100'000);

/// Standard deviation with n - 1 in the denominator.
[[nodiscard]] double sample_deviation(std::span<const double> values);

}  // namespace cambium::tasks
