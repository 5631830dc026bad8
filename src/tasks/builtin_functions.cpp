#include "tasks/builtin_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "tasks/document_entry.h"
#include "tasks/language_task_functions.h"
#include "tasks/scorers/scorer_builtins.h"
#include "tensor/error.h"
#include "text/jinja_number_text.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

// -- HellaSwag: WikiHow's marks go (Zellers et al., arXiv:1905.07830)
// -----------------------------------------------------

std::string without_marks(std::string_view raw) {
  static const text::PythonRegex kBrackets(R"(\[.*?\])");
  const std::string text = replaced(std::string(jinja::strip(raw)), " [title]", ". ");
  return replaced(kBrackets.substitute(text, ""), "  ", " ");
}

void hellaswag_documents(std::vector<Value>& documents) {
  for (const Value& document : documents) {
    const std::string context = text_entry(document, "ctx_a") + " " + jinja::capitalize(text_entry(document, "ctx_b"));
    std::vector<Value> choices;
    for (const Value& ending : entry(document, "endings").items())
      choices.push_back(Value::string(without_marks(ending.as_string())));
    const Value& label = entry(document, "label");
    document.as_dict().set("query",
                           Value::string(without_marks(text_entry(document, "activity_label") + ": " + context)));
    document.as_dict().set("choices", Value::list(std::move(choices)));
    document.as_dict().set(
        "gold", label.is_string() ? jinja::read_integer(label.as_string(), 10).value_or(Value::integer(-1)) : label);
  }
}

// -- WinoGrande: the options fill the blank, what follows is scored (Sakaguchi et al., arXiv:1907.10641)
// ------------------

std::size_t blank_of(const Value& document) {
  const std::size_t at = text_entry(document, "sentence").find('_');
  if (at == std::string::npos) throw RecipeError("a WinoGrande sentence has no blank '_'");
  return at;
}

Value winogrande_text(const Value& document) {
  const std::string& answer = text_entry(document, "answer");
  if (answer != "1" && answer != "2")
    throw RecipeError(fmt::format("a WinoGrande answer is '{}', expected 1 or 2", answer));
  return Value::integer(answer == "1" ? 0 : 1);
}

Value winogrande_target(const Value& document) {
  return Value::string(
      std::string(jinja::strip(std::string_view(text_entry(document, "sentence")).substr(blank_of(document) + 1))));
}

Value winogrande_choices(const Value& document) {
  const std::string before = text_entry(document, "sentence").substr(0, blank_of(document));
  return Value::list({Value::string(before + text_entry(document, "option1")),
                      Value::string(before + text_entry(document, "option2"))});
}

// -- TruthfulQA mc2: the share of probability on the true answers (Lin et al., arXiv:2109.07958)
// --------------------------

MetricValues truthfulqa_mc2(const Value& document, const std::vector<Value>& responses) {
  // "choices" and "labels", or answers with 0 or 1.
  const Value& targets = entry(document, "mc2_targets");
  std::vector<Value> labels;
  if (const Value* listed = targets.as_dict().find("labels"); listed != nullptr && listed->is_sequence()) {
    labels = listed->items();
  } else {
    for (const auto& [answer, label] : targets.as_dict().entries()) labels.push_back(label);
  }
  if (labels.size() != responses.size()) throw RecipeError("a TruthfulQA document has other answers than labels");
  double all = 0;
  double correct = 0;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const double probability = std::exp(responses[i].items()[0].as_float());
    all += probability;
    if (labels[i].is_integral() && labels[i].as_int() == 1) correct += probability;
  }
  return {{"acc", Value::real(correct / all)}};
}

constexpr BuiltinFunction kFunctions[] = {
    {.name = "fsdd/utils.process_results", .results = spoken_digit_results},
    {.name = "hellaswag/utils.process_docs", .documents = hellaswag_documents},
    {.name = "ifeval/utils.agg_inst_level_acc", .aggregation = mean_of_lists},
    {.name = "ifeval/utils.process_results", .results = ifeval_results},
    {.name = "truthfulqa/utils.process_results_mc2", .results = truthfulqa_mc2},
    {.name = "vqa/utils.process_results", .results = vqa_results},
    {.name = "winogrande/preprocess_winogrande.doc_to_choice", .field = winogrande_choices},
    {.name = "winogrande/preprocess_winogrande.doc_to_target", .field = winogrande_target},
    {.name = "winogrande/preprocess_winogrande.doc_to_text", .field = winogrande_text},
};

const BuiltinFunction* find(std::string_view name) {
  for (const std::span<const BuiltinFunction> table :
       {std::span<const BuiltinFunction>(kFunctions), language_task_functions()}) {
    const auto found = std::ranges::find(table, name, &BuiltinFunction::name);
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

bool has_builtin_function(std::string_view name) { return find(name) != nullptr; }

std::string unknown_function(std::string_view name) {
  return fmt::format(
      "!function {} is Python code, which is not run here, and there is no built-in of that name; docs/tasks.md lists "
      "them. Write it as a template",
      name);
}

const BuiltinFunction& builtin_function(std::string_view name, std::string_view task) {
  if (const BuiltinFunction* found = find(name)) return *found;
  throw RecipeError(fmt::format("task '{}': {}", task, unknown_function(name)));
}

}  // namespace cambium::tasks
