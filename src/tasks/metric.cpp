#include "tasks/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/aggregation.h"
#include "tasks/builtin_functions.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

struct MetricRow {
  std::string_view name;
  std::string_view aggregation;
  bool higher_is_better;
  std::array<bool, 4> types;  ///< loglikelihood, loglikelihood_rolling, multiple_choice, generate_until
};

constexpr std::array<bool, 4> kChoice{false, false, true, false};
constexpr std::array<bool, 4> kGenerated{false, false, false, true};
constexpr std::array<bool, 4> kRolling{false, true, false, false};

constexpr MetricRow kMetrics[] = {
    {"acc", "mean", true, {true, false, true, false}},
    {"acc_bytes", "mean", true, kChoice},
    {"acc_mutual_info", "mean", true, kChoice},
    {"acc_norm", "mean", true, kChoice},
    {"bits_per_byte", "bits_per_byte", false, kRolling},
    {"bleu", "bleu", true, kGenerated},
    {"brier_score", "brier_score", false, kChoice},
    {"byte_perplexity", "weighted_perplexity", false, kRolling},
    {"bypass", "bypass", true, {true, true, true, true}},
    {"chrf", "chrf", true, kGenerated},
    {"chrf++", "chrf++", true, kGenerated},
    {"exact_match", "mean", true, {false, false, true, true}},
    {"f1", "f1", true, kChoice},
    {"mcc", "matthews_corrcoef", true, kChoice},
    {"pass@k", "mean", true, kGenerated},
    {"perplexity", "perplexity", false, {true, false, false, false}},
    {"word_perplexity", "weighted_perplexity", false, kRolling},
};

const MetricRow* find_metric_row(std::string_view name) {
  const auto found = std::ranges::find(kMetrics, name, &MetricRow::name);
  return found == std::end(kMetrics) ? nullptr : &*found;
}

// FOLDER/module.function, as function_name() gives it.
bool is_function(std::string_view name) { return name.find('/') != std::string_view::npos; }

void check_arguments(const MetricConfig& metric) {
  static constexpr std::array<std::string_view, 4> kMatch{"regexes_to_ignore", "ignore_case", "ignore_punctuation",
                                                          "ignore_numbers"};
  static constexpr std::array<std::string_view, 5> kPass{"k", "regexes_to_ignore", "ignore_case", "ignore_punctuation",
                                                         "ignore_numbers"};
  std::span<const std::string_view> known;
  if (metric.name == "exact_match") known = kMatch;
  if (metric.name == "pass@k") known = kPass;
  for (const auto& [key, value] : metric.arguments.as_dict().entries()) {
    if (std::ranges::find(known, key.as_string()) == known.end()) {
      throw RecipeError(fmt::format("metric '{}' takes no argument '{}'.{}", metric.name, key.as_string(),
                                    jinja::nearest_names(key.as_string(), known)));
    }
  }
  if (const jinja::Value* ignored = metric.arguments.as_dict().find("regexes_to_ignore")) {
    if (!ignored->is_sequence())
      throw RecipeError(fmt::format("metric '{}': regexes_to_ignore must be a list", metric.name));
    for (const jinja::Value& pattern : ignored->items()) {
      if (!pattern.is_string())
        throw RecipeError(fmt::format("metric '{}': regexes_to_ignore must hold texts", metric.name));
      static_cast<void>(text::PythonRegex(pattern.as_string()));
    }
  }
}

}  // namespace

std::span<const std::string_view> default_metrics(OutputType type) {
  static constexpr std::string_view kLogLikelihood[] = {"perplexity", "acc"};
  static constexpr std::string_view kWholeText[] = {"word_perplexity", "byte_perplexity", "bits_per_byte"};
  static constexpr std::string_view kMultipleChoice[] = {"acc", "acc_norm"};
  static constexpr std::string_view kGenerate[] = {"exact_match"};
  switch (type) {
    case OutputType::kLogLikelihood:
      return kLogLikelihood;
    case OutputType::kLogLikelihoodRolling:
      return kWholeText;
    case OutputType::kMultipleChoice:
      return kMultipleChoice;
    case OutputType::kGenerateUntil:
      return kGenerate;
  }
  return {};
}

void check_metric(const MetricConfig& metric, OutputType type, bool free_names) {
  if (is_function(metric.name) && !free_names) throw RecipeError(unknown_function(metric.name));
  if (metric.aggregation && !is_known_aggregation(*metric.aggregation) && !has_builtin_function(*metric.aggregation)) {
    if (is_function(*metric.aggregation)) {
      throw RecipeError(fmt::format("metric '{}': aggregation {}", metric.name, unknown_function(*metric.aggregation)));
    }
    throw RecipeError(fmt::format("metric '{}': unknown aggregation '{}'.{} Known: {}", metric.name,
                                  *metric.aggregation, jinja::nearest_names(*metric.aggregation, known_aggregations()),
                                  fmt::join(known_aggregations(), ", ")));
  }
  if (free_names) return;
  const MetricRow* row = find_metric_row(metric.name);
  if (row == nullptr) {
    std::vector<std::string_view> known;
    for (const MetricRow& other : kMetrics) known.push_back(other.name);
    throw RecipeError(fmt::format("unknown metric '{}'.{} Known: {}", metric.name,
                                  jinja::nearest_names(metric.name, known), fmt::join(known, ", ")));
  }
  if (!row->types[static_cast<std::size_t>(type)]) {
    throw RecipeError(
        fmt::format("metric '{}' does not exist for output_type {}", metric.name, output_type_name(type)));
  }
  // The harness passes other keys on to metrics of generations alone.
  if (type == OutputType::kGenerateUntil) check_arguments(metric);
}

std::string aggregation_of(const MetricConfig& metric) {
  if (metric.aggregation) return *metric.aggregation;
  const MetricRow* row = find_metric_row(metric.name);
  return std::string(row == nullptr ? "mean" : row->aggregation);
}

bool is_higher_better(const MetricConfig& metric) {
  if (metric.higher_is_better) return *metric.higher_is_better;
  const MetricRow* row = find_metric_row(metric.name);
  return row == nullptr || row->higher_is_better;
}

}  // namespace cambium::tasks
