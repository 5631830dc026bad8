// Scorers of answers of a few words.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/scorers/gold_answer.h"
#include "tasks/scorers/number_text.h"
#include "tasks/scorers/scorer.h"
#include "tasks/scorers/short_answer.h"
#include "tasks/scorers/vqa_text.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr std::array<std::string_view, 6> kShortGoldFields{"answers", "answer", "gold", "target", "label", "Answer"};
constexpr std::array<std::string_view, 3> kVqaFields{"answers", "answer", "multiple_choice_answer"};
constexpr std::array<std::string_view, 5> kDigitFields{"digit", "label", "answer", "gold", "target"};

AnswerScore single(Value extracted, bool correct, std::string_view metric) {
  return {{{"extracted", std::move(extracted)}, {"correct", Value::boolean(correct)}},
          {{std::string(metric), {correct ? 1.0 : 0.0}}}};
}

bool gold_truth(const std::string& gold) {
  const std::optional<bool> truth = gold == "1"   ? std::optional(true)
                                    : gold == "0" ? std::optional(false)
                                                  : extract_yes_no(gold);
  if (!truth) throw RecipeError(fmt::format("the right answer is '{}', expected yes or no", gold));
  return *truth;
}

}  // namespace

AnswerScore score_vqa(const Value& document, const std::string& response, const ScorerOptions& options) {
  const std::vector<std::string> annotators = gold_texts(gold_value(document, options.gold_field, kVqaFields));
  const double accuracy = vqa_accuracy(response, annotators);
  return {{{"extracted", Value::string(vqa_normalised(response))},
           {"correct", Value::boolean(accuracy >= 1)},
           {"accuracy", Value::real(accuracy)}},
          {{"vqa_accuracy", {accuracy}}}};
}

AnswerScore score_match(const Value& document, const std::string& response, const ScorerOptions& options) {
  const std::string given = plain_words(response);
  bool equal = false;
  bool contained = false;
  for (const std::string& gold : gold_texts(gold_value(document, options.gold_field, kShortGoldFields))) {
    const std::string wanted = plain_words(gold);
    equal = equal || given == wanted;
    contained = contained || (!wanted.empty() && contains_words(given, wanted));
  }
  return {{{"extracted", Value::string(given)},
           {"correct", Value::boolean(equal)},
           {"contains", Value::boolean(contained)}},
          {{"exact_match", {equal ? 1.0 : 0.0}}, {"contains", {contained ? 1.0 : 0.0}}}};
}

AnswerScore score_yes_no(const Value& document, const std::string& response, const ScorerOptions& options) {
  const bool gold = gold_truth(gold_texts(gold_value(document, options.gold_field, kShortGoldFields)).front());
  const std::optional<bool> given = extract_yes_no(response);
  return single(given ? Value::string(*given ? "yes" : "no") : Value(), given && *given == gold, "acc");
}

AnswerScore score_number(const Value& document, const std::string& response, const ScorerOptions& options) {
  const std::string gold = gold_texts(gold_value(document, options.gold_field, kShortGoldFields)).front();
  const std::optional<double> wanted = read_number(gold);
  if (!wanted) throw RecipeError(fmt::format("the right answer is '{}', expected a number", gold));
  const std::optional<double> given = extract_number(response);
  return single(given ? Value::real(*given) : Value(), given && equal_numbers(*given, *wanted, options.tolerance),
                "acc");
}

AnswerScore score_spoken_digit(const Value& document, const std::string& response, const ScorerOptions& options) {
  const std::string gold = gold_texts(gold_value(document, options.gold_field, kDigitFields)).front();
  const std::optional<int> wanted = extract_digit(gold);
  if (!wanted) throw RecipeError(fmt::format("the right answer is '{}', expected a digit", gold));
  const std::optional<int> given = extract_digit(response);
  return single(given ? Value::integer(*given) : Value(), given == wanted, "acc");
}

}  // namespace cambium::tasks
