#include "tasks/scorers/scorer_builtins.h"

#include <fmt/format.h>

#include <string>

#include "tasks/ifeval/verdict.h"
#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

// The answer to the only request; the list of repeats that a task without take_first leaves gives its first.
const std::string& only_text(const std::vector<Value>& responses) {
  if (responses.size() != 1) {
    throw RecipeError(fmt::format("a document has {} answers, expected the text of one", responses.size()));
  }
  const Value* answer = &responses[0];
  while (answer->is_sequence() && !answer->items().empty()) answer = &answer->items()[0];
  if (!answer->is_string()) {
    throw RecipeError(fmt::format("an answer is {}, expected a text (output_type generate_until)", type_name(*answer)));
  }
  return answer->as_string();
}

Value followed_list(const std::vector<bool>& flags) {
  std::vector<Value> values;
  for (const bool flag : flags) values.push_back(Value::boolean(flag));
  return Value::list(std::move(values));
}

// The single number that a scorer gives for a document.
MetricValues as_metric(std::string_view name, const AnswerScore& score) {
  return {{std::string(name), Value::real(score.metrics[0].second[0])}};
}

}  // namespace

MetricValues ifeval_results(const Value& document, const std::vector<Value>& responses) {
  const ifeval::Verdict verdict = ifeval::judge(document, only_text(responses));
  return {{"prompt_level_strict_acc", Value::boolean(verdict.strict_all())},
          {"inst_level_strict_acc", followed_list(verdict.strict)},
          {"prompt_level_loose_acc", Value::boolean(verdict.loose_all())},
          {"inst_level_loose_acc", followed_list(verdict.loose)}};
}

double mean_of_lists(const std::vector<Value>& lists) {
  double sum = 0;
  std::size_t count = 0;
  for (const Value& list : lists) {
    if (!list.is_sequence()) throw ValueError(fmt::format("a metric's value is {}, expected a list", type_name(list)));
    for (const Value& entry : list.items()) {
      if (!entry.is_number()) throw ValueError("a metric's list has an entry that is no number");
      sum += jinja::to_double(entry);
      ++count;
    }
  }
  if (count == 0) throw ValueError("a metric's lists are all empty");
  return sum / static_cast<double>(count);
}

MetricValues vqa_results(const Value& document, const std::vector<Value>& responses) {
  return as_metric("vqa_accuracy", score_vqa(document, only_text(responses), {}));
}

MetricValues spoken_digit_results(const Value& document, const std::vector<Value>& responses) {
  return as_metric("acc", score_spoken_digit(document, only_text(responses), {}));
}

}  // namespace cambium::tasks
