#include "tasks/aggregation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "tasks/python_random.h"
#include "tasks/translation_metric.h"
#include "tensor/error.h"
#include "tensor/workers.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr std::array<std::string_view, 12> kAggregations{"bits_per_byte", "bleu",   "brier_score", "bypass",
                                                         "chrf",          "chrf++", "f1",          "matthews_corrcoef",
                                                         "mean",          "median", "nanmean",     "perplexity"};
constexpr std::string_view kWeightedPerplexity = "weighted_perplexity";
constexpr std::size_t kChunk = 1000;
constexpr std::size_t kTextDraws = 100;

double number(const Value& value) {
  if (!value.is_number()) throw ValueError("a metric's value is not a number");
  return jinja::to_double(value);
}

const Value& part(const Value& value, std::size_t index) {
  if (!value.is_sequence() || value.items().size() != 2) throw ValueError("a metric's value is not a pair");
  return value.items()[index];
}

double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

double mean_without_nan(std::span<const double> values) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / static_cast<double>(count);
}

double weighted_mean(const std::vector<Value>& values) {
  double sum = 0;
  double weights = 0;
  for (const Value& value : values) {
    sum += number(part(value, 0));
    weights += number(part(value, 1));
  }
  return sum / weights;
}

/// Pairs of gold and predicted class.
using Labels = std::vector<std::pair<std::int64_t, std::int64_t>>;

Labels labels_of(const std::vector<Value>& values) {
  Labels labels;
  for (const Value& value : values) {
    for (const std::size_t side : {0U, 1U}) {
      if (!part(value, side).is_integral())
        throw ValueError("f1 and mcc need one number of a choice as gold and as prediction");
    }
    labels.emplace_back(part(value, 0).as_int(), part(value, 1).as_int());
  }
  return labels;
}

// F1 of class 1 against class 0.
double f1(const Labels& labels) {
  double both = 0;
  double gold = 0;
  double predicted = 0;
  for (const auto& [truth, guess] : labels) {
    if (truth < 0 || truth > 1 || guess < 0 || guess > 1) {
      throw ValueError(fmt::format("f1 is defined for two classes, 0 and 1, but there is a class {}",
                                   truth < 0 || truth > 1 ? truth : guess));
    }
    both += truth == 1 && guess == 1 ? 1 : 0;
    gold += truth == 1 ? 1 : 0;
    predicted += guess == 1 ? 1 : 0;
  }
  return gold + predicted == 0 ? 0 : 2 * both / (gold + predicted);
}

// Matthews' correlation for any number of classes (Gorodkin, 2004).
double matthews(const Labels& labels) {
  std::map<std::int64_t, double> gold;
  std::map<std::int64_t, double> predicted;
  double correct = 0;
  for (const auto& [truth, guess] : labels) {
    ++gold[truth];
    ++predicted[guess];
    correct += truth == guess ? 1 : 0;
  }
  const auto total = static_cast<double>(labels.size());
  double both = 0;
  double gold_squares = 0;
  double predicted_squares = 0;
  for (const auto& [label, count] : gold) {
    gold_squares += count * count;
    const auto same = predicted.find(label);
    if (same != predicted.end()) both += count * same->second;
  }
  for (const auto& [label, count] : predicted) predicted_squares += count * count;
  const double spread = (total * total - predicted_squares) * (total * total - gold_squares);
  return spread == 0 ? 0 : (correct * total - both) / std::sqrt(spread);
}

double brier(const std::vector<Value>& values) {
  double sum = 0;
  std::size_t classes = 0;
  for (const Value& value : values) {
    const Value& probabilities = part(value, 1);
    if (!probabilities.is_sequence() || (classes != 0 && probabilities.items().size() != classes)) {
      throw ValueError("brier_score needs the same number of choices in every document");
    }
    classes = probabilities.items().size();
    const Value& gold = part(value, 0);
    if (!gold.is_integral() || gold.as_int() < -static_cast<std::int64_t>(classes) ||
        gold.as_int() >= static_cast<std::int64_t>(classes)) {
      throw ValueError("brier_score needs the number of a choice as gold");
    }
    const auto truth = static_cast<std::size_t>(gold.as_int() < 0 ? gold.as_int() + static_cast<std::int64_t>(classes)
                                                                  : gold.as_int());
    double distance = 0;
    for (std::size_t i = 0; i < classes; ++i) {
      const double difference = number(probabilities.items()[i]) - (i == truth ? 1 : 0);
      distance += difference * difference;
    }
    sum += distance;
  }
  return sum / static_cast<double>(values.size());
}

std::vector<double> numbers_of(const std::vector<Value>& values) {
  std::vector<double> numbers;
  numbers.reserve(values.size());
  for (const Value& value : values) numbers.push_back(number(value));
  return numbers;
}

/// A statistic of the documents at the drawn positions.
using Statistic = std::function<double(std::span<const std::uint32_t> drawn)>;

// Chunk i draws its resamples from random.Random(i): the chunks may run anywhere, the result is one.
double bootstrap(std::size_t size, std::size_t draws, const Statistic& statistic) {
  const std::size_t chunk = std::min(kChunk, draws);
  const std::size_t chunks = draws / chunk;
  std::vector<double> results(chunks * chunk);
  Workers workers;
  workers.for_each(chunks, [&](std::size_t index, unsigned /*worker*/) {
    PythonRandom random(index);
    std::vector<std::uint32_t> drawn;
    for (std::size_t i = 0; i < chunk; ++i) {
      random.choices(size, size, drawn);
      results[index * chunk + i] = statistic(drawn);
    }
  });
  return sample_deviation(results);
}

template <class Items, class Function>
Statistic resampled(Items items, Function function) {
  return [items = std::move(items), function](std::span<const std::uint32_t> drawn) {
    Items chosen;
    chosen.reserve(drawn.size());
    for (const std::uint32_t position : drawn) chosen.push_back(items[position]);
    return function(chosen);
  };
}

}  // namespace

std::span<const std::string_view> known_aggregations() {
  static constexpr auto kAll = [] {
    std::array<std::string_view, kAggregations.size() + 1> all{};
    std::ranges::copy(kAggregations, all.begin());
    all.back() = kWeightedPerplexity;
    return all;
  }();
  return kAll;
}

bool is_known_aggregation(std::string_view name) {
  return std::ranges::find(known_aggregations(), name) != known_aggregations().end();
}

double sample_deviation(std::span<const double> values) {
  const double center = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double aggregate(std::string_view name, const std::vector<Value>& values) {
  if (values.empty()) throw ValueError(fmt::format("{}: there are no values", name));
  if (name == "mean") return mean(numbers_of(values));
  if (name == "median") return median(numbers_of(values));
  if (name == "nanmean") return mean_without_nan(numbers_of(values));
  if (name == "perplexity") return std::exp(-mean(numbers_of(values)));
  if (name == kWeightedPerplexity) return std::exp(-weighted_mean(values));
  if (name == "bits_per_byte") return -weighted_mean(values) / std::log(2.0);
  if (name == "f1") return f1(labels_of(values));
  if (name == "matthews_corrcoef") return matthews(labels_of(values));
  if (name == "brier_score") return brier(values);
  if (name == "bypass") return 999;
  if (name == "bleu") return bleu(bleu_counts(values));
  if (name == "chrf") return chrf(chrf_counts(values, 0));
  if (name == "chrf++") return chrf(chrf_counts(values, 2));
  throw ValueError(fmt::format("unknown aggregation '{}'", name));
}

std::optional<double> standard_error(std::string_view name, const std::vector<Value>& values,
                                     std::size_t bootstrap_draws) {
  if (bootstrap_draws == 0 || values.size() < 2) return std::nullopt;
  const std::size_t size = values.size();
  if (name == "mean") return sample_deviation(numbers_of(values)) / std::sqrt(static_cast<double>(size));
  if (name == "perplexity") {
    return bootstrap(size, bootstrap_draws, [numbers = numbers_of(values)](std::span<const std::uint32_t> drawn) {
      double sum = 0;
      for (const std::uint32_t position : drawn) sum += numbers[position];
      return std::exp(-(sum / static_cast<double>(drawn.size())));
    });
  }
  if (name == "median") return bootstrap(size, bootstrap_draws, resampled(numbers_of(values), median));
  if (name == "nanmean") return bootstrap(size, bootstrap_draws, resampled(numbers_of(values), mean_without_nan));
  if (name == "f1") return bootstrap(size, bootstrap_draws, resampled(labels_of(values), f1));
  if (name == "matthews_corrcoef") return bootstrap(size, bootstrap_draws, resampled(labels_of(values), matthews));
  const std::size_t text_draws = std::min(bootstrap_draws, kTextDraws);
  if (name == "bleu") return bootstrap(size, text_draws, resampled(bleu_counts(values), bleu));
  if (name == "chrf" || name == "chrf++")
    return bootstrap(size, text_draws, resampled(chrf_counts(values, name == "chrf" ? 0 : 2), chrf));
  return std::nullopt;
}

}  // namespace cambium::tasks
