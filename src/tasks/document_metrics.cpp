#include "tasks/document_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tasks/score.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr std::int64_t kNoChoice = -100;

std::string printed(const Value& value) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_text(value, budget);
}

double log_likelihood(const Value& response) {
  const Value& value = response.is_sequence() && !response.items().empty() ? response.items()[0] : response;
  if (!value.is_number()) throw RecipeError("a filter has changed log-likelihoods to something that has none");
  return jinja::to_double(value);
}

bool is_greedy(const Value& response) {
  return response.is_sequence() && response.items().size() == 2 && jinja::truthy(response.items()[1]);
}

// The first of the greatest.
std::size_t best(const std::vector<double>& values) {
  return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
}

// Pieces between runs of white space, empty ones at the ends included.
std::int64_t count_words(std::string_view text) {
  static const text::PythonRegex kSpace(R"(\s+)");
  return std::ssize(kSpace.split(text));
}

Value truth(bool value) { return Value::real(value ? 1 : 0); }

std::vector<Value> softmax(const std::vector<double>& logs) {
  const double greatest = *std::ranges::max_element(logs);
  double sum = 0;
  for (const double log : logs) sum += std::exp(log - greatest);
  std::vector<Value> shares;
  for (const double log : logs) shares.push_back(Value::real(std::exp(log - greatest) / sum));
  return shares;
}

}  // namespace

DocumentMetrics::DocumentMetrics(const Task& task) : task_(task) {
  if (!task.config().process_results.is_none()) {
    const std::string name = function_name(task.config().process_results);
    function_ = builtin_function(name, task.name()).results;
    if (function_ == nullptr)
      throw RecipeError(fmt::format("task '{}': !function {} gives no metrics", task.name(), name));
  }
  for (const MetricConfig& metric : task.config().metrics) {
    if (metric.name == "exact_match" || metric.name == "pass@k")
      matches_.emplace(metric.name, ExactMatch(metric.arguments));
  }
}

MetricValues DocumentMetrics::of(const Value& document, const std::vector<Value>& responses) const {
  if (function_ != nullptr) return function_(document, responses);
  switch (task_.config().output_type) {
    case OutputType::kLogLikelihood:
      return of_log_likelihood(responses);
    case OutputType::kLogLikelihoodRolling:
      return of_whole_text(document, responses);
    case OutputType::kMultipleChoice:
      return of_choice(document, responses);
    case OutputType::kGenerateUntil:
      return of_generation(document, responses.front());
  }
  return {};
}

MetricValues DocumentMetrics::of_log_likelihood(const std::vector<Value>& responses) const {
  MetricValues values;
  if (task_.uses_metric("perplexity"))
    values.emplace_back("perplexity", Value::real(log_likelihood(responses.front())));
  if (task_.uses_metric("acc")) values.emplace_back("acc", Value::integer(is_greedy(responses.front()) ? 1 : 0));
  return values;
}

MetricValues DocumentMetrics::of_whole_text(const Value& document, const std::vector<Value>& responses) const {
  const std::string text = printed(task_.target(document));
  const Value log = Value::real(log_likelihood(responses.front()));
  const Value words = Value::integer(count_words(text));
  const Value bytes = Value::integer(std::ssize(text));
  MetricValues values;
  for (const auto& [name, weight] : {std::pair<const char*, Value>{"word_perplexity", words},
                                     {"byte_perplexity", bytes},
                                     {"bits_per_byte", bytes}}) {
    if (task_.uses_metric(name)) values.emplace_back(name, Value::tuple({log, weight}));
  }
  return values;
}

MetricValues DocumentMetrics::of_choice(const Value& document, const std::vector<Value>& responses) const {
  const std::vector<std::string> choices = task_.choices(document);
  const std::size_t count = choices.size();
  std::vector<double> logs;
  for (const Value& response : responses) logs.push_back(log_likelihood(response));
  std::vector<double> unconditional;
  if (task_.uses_metric("acc_mutual_info") && logs.size() == 2 * count) {
    unconditional.assign(logs.begin() + static_cast<std::ptrdiff_t>(count), logs.end());
    logs.resize(count);
  }
  if (logs.size() != count) throw RecipeError(fmt::format("{} choices have {} log-likelihoods", count, logs.size()));
  std::vector<double> by_length;
  std::vector<double> by_bytes;
  for (std::size_t i = 0; i < count; ++i) {
    by_length.push_back(logs[i] / static_cast<double>(jinja::count_code_points(choices[i])));
    by_bytes.push_back(logs[i] / static_cast<double>(choices[i].size()));
  }

  // Numbers of the right choices; -100 stands for what is none of them.
  const Value given = task_.has_multiple_inputs() ? task_.text(document) : task_.target(document);
  const auto number_of = [&](const Value& value) {
    if (value.is_integral()) return value.as_int() < static_cast<std::int64_t>(count) ? value.as_int() : kNoChoice;
    if (value.is(jinja::Type::kFloat)) {
      // A column of numbers with a gap in it holds floats.
      const double number = value.as_float();
      return number == std::floor(number) && std::abs(number) < static_cast<double>(count)
                 ? static_cast<std::int64_t>(number)
                 : kNoChoice;
    }
    const auto found = value.is_string() ? std::ranges::find(choices, value.as_string()) : choices.end();
    return found == choices.end() ? kNoChoice : static_cast<std::int64_t>(found - choices.begin());
  };
  std::vector<std::int64_t> gold;
  if (given.is_sequence()) {
    for (const Value& one : given.items()) gold.push_back(number_of(one));
  } else {
    gold.push_back(number_of(given));
  }
  const auto is_gold = [&](std::size_t choice) {
    return std::ranges::find(gold, static_cast<std::int64_t>(choice)) != gold.end();
  };
  const auto greedy = [&](std::int64_t number) {
    const std::int64_t index = number < 0 ? number + static_cast<std::int64_t>(count) : number;
    return number != kNoChoice && index >= 0 && is_greedy(responses[static_cast<std::size_t>(index)]);
  };

  const Value first_gold = Value::integer(gold.empty() ? kNoChoice : gold.front());
  const Value predicted = Value::integer(static_cast<std::int64_t>(best(logs)));
  MetricValues values;
  const auto put = [&](const char* name, const auto& value) {
    if (task_.uses_metric(name)) values.emplace_back(name, value());
  };
  put("acc", [&] { return truth(is_gold(best(logs))); });
  put("f1", [&] { return Value::tuple({first_gold, predicted}); });
  put("mcc", [&] { return Value::tuple({first_gold, predicted}); });
  put("acc_norm", [&] { return truth(is_gold(best(by_length))); });
  put("acc_bytes", [&] { return truth(is_gold(best(by_bytes))); });
  put("exact_match", [&] { return Value::integer(std::ranges::any_of(gold, greedy) ? 1 : 0); });
  put("brier_score", [&] { return Value::tuple({first_gold, Value::list(softmax(logs))}); });
  put("acc_mutual_info", [&] {
    std::vector<double> gained;
    for (std::size_t i = 0; i < count; ++i) gained.push_back(logs[i] - unconditional.at(i));
    return truth(is_gold(best(gained)));
  });
  return values;
}

MetricValues DocumentMetrics::of_generation(const Value& document, const Value& response) const {
  Value gold = task_.target(document);
  if (task_.has_choices()) {
    const std::vector<std::string> choices = task_.choices(document);
    if (!gold.is_integral() || gold.as_int() < 0 || static_cast<std::size_t>(gold.as_int()) >= choices.size()) {
      throw RecipeError("doc_to_target gives no number of a choice");
    }
    gold = Value::string(choices[static_cast<std::size_t>(gold.as_int())]);
  }
  std::vector<Value> references =
      task_.has_multiple_targets() && gold.is_sequence() ? gold.items() : std::vector<Value>{gold};
  const std::vector<Value> answers = response.is_sequence() ? response.items() : std::vector<Value>{response};
  // The share of answers that are equal to any, or (with one reference) to the reference.
  const auto count_matches = [&](const ExactMatch& match) {
    return static_cast<std::size_t>(std::ranges::count_if(answers, [&](const Value& answer) {
      const std::string text = printed(answer);
      return std::ranges::any_of(references, [&](const Value& reference) { return match(text, printed(reference)); });
    }));
  };
  MetricValues values;
  for (const MetricConfig& metric : task_.config().metrics) {
    if (metric.name == "exact_match") {
      const double share =
          static_cast<double>(count_matches(matches_.at(metric.name))) / static_cast<double>(answers.size());
      values.emplace_back(metric.name, Value::real(task_.has_multiple_targets() ? (share > 0 ? 1 : 0) : share));
    } else if (metric.name == "pass@k") {
      const std::size_t correct = count_matches(matches_.at(metric.name));
      const Value* given = metric.arguments.as_dict().find("k");
      const Value one = Value::integer(1);
      const Value& ks = given == nullptr ? one : *given;
      for (const Value& k : ks.is_sequence() ? ks.items() : std::vector<Value>{ks}) {
        if (!k.is_integral() || k.as_int() < 1)
          throw RecipeError("metric 'pass@k': k must be a whole number of at least 1");
        if (static_cast<std::size_t>(k.as_int()) > answers.size()) {
          throw RecipeError(
              fmt::format("metric 'pass@k': k = {} needs as many answers, but a filter leaves {}; raise repeats",
                          k.as_int(), answers.size()));
        }
        values.emplace_back(fmt::format("pass@{}", k.as_int()),
                            Value::real(pass_at_k(answers.size(), correct, static_cast<std::size_t>(k.as_int()))));
      }
    } else if (metric.name == "bypass") {
      values.emplace_back(metric.name, Value());
    } else {
      const Value reference = references.size() == 1 && !task_.has_multiple_targets()
                                  ? Value::string(printed(references.front()))
                                  : Value::list(references);
      values.emplace_back(metric.name, Value::list({reference, response}));
    }
  }
  return values;
}

}  // namespace cambium::tasks
