#include "tasks/scorers/choice_question.h"
#include "tasks/scorers/scorer.h"

namespace cambium::tasks {

using text::jinja::Value;

AnswerScore score_choice(const Value& document, const std::string& response, const ScorerOptions& options) {
  const ChoiceQuestion question = ChoiceQuestion::of(document, options.gold_field);
  const std::optional<ChosenOption> chosen = extract_choice(response, question);
  const bool correct = chosen && chosen->option == question.gold;
  return {{{"extracted", chosen ? Value::string(question.options[chosen->option].label) : Value()},
           {"correct", Value::boolean(correct)},
           {"rule", chosen ? Value::string(std::string(chosen->rule)) : Value()}},
          {{"acc", {correct ? 1.0 : 0.0}}, {"answered", {chosen ? 1.0 : 0.0}}}};
}

}  // namespace cambium::tasks
