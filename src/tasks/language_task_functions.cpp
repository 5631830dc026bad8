#include "tasks/language_task_functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/document_entry.h"
#include "tasks/python_literal.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

Value text_value(std::string text) { return Value::string(std::move(text)); }

// The number of a letter, 0 for `first`.
Value letter_number(std::string_view letter, char first, std::size_t count, std::string_view task) {
  const int number = letter.size() == 1 ? letter.front() - first : -1;
  if (number < 0 || static_cast<std::size_t>(number) >= count) {
    throw RecipeError(fmt::format("{}: the answer '{}' is no letter of an option", task, letter));
  }
  return Value::integer(number);
}

// -- COPA: premise and alternative are joined by "because" or "therefore" (Roemmele et al., 2011)
// -----------------------------------

Value copa_text(const Value& document) {
  const std::string& question = text_entry(document, "question");
  if (question != "cause" && question != "effect") {
    throw RecipeError(fmt::format("COPA: question is '{}', expected cause or effect", question));
  }
  std::string premise(jinja::strip(text_entry(document, "premise")));
  if (!premise.empty()) premise.pop_back();  // its full stop
  return text_value(premise + (question == "cause" ? " because" : " therefore"));
}

std::string copa_choice(const Value& document, std::string_view key) {
  std::string choice = text_entry(document, key);
  std::size_t first = 0;
  if (!choice.empty()) static_cast<void>(jinja::next_code_point(choice, first));
  return " " + jinja::to_lower(choice.substr(0, first)) + choice.substr(first);
}

Value copa_choices(const Value& document) {
  return Value::list({text_value(copa_choice(document, "choice1")), text_value(copa_choice(document, "choice2"))});
}

Value copa_target(const Value& document) {
  const Value& label = entry(document, "label");
  return text_value(copa_choice(document, label.is_integral() && label.as_int() == 0 ? "choice1" : "choice2"));
}

// -- RACE: an article with problems; the last one is asked, the others are answered in the prompt (Lai et al., 2017)
// ----------------

std::vector<Value> race_problems(const Value& document) {
  const std::optional<Value> problems = parse_python_literal(text_entry(document, "problems"));
  if (!problems || !problems->is_sequence() || problems->items().empty()) {
    throw RecipeError("RACE: 'problems' is no list of problems");
  }
  return problems->items();
}

Value race_answer(const Value& problem) { return letter_number(text_entry(problem, "answer"), 'A', 4, "RACE"); }

std::vector<Value> race_options(const Value& problem) {
  const Value& options = entry(problem, "options");
  if (!options.is_sequence() || options.items().size() < 4) throw RecipeError("RACE: a problem needs four options");
  return {options.items().begin(), options.items().begin() + 4};
}

Value race_choices(const Value& document) { return Value::list(race_options(race_problems(document).back())); }
Value race_target(const Value& document) { return race_answer(race_problems(document).back()); }

Value race_text(const Value& document) {
  std::string text = "Article: " + text_entry(document, "article") + "\n\n";
  const std::vector<Value> problems = race_problems(document);
  for (std::size_t i = 0; i + 1 < problems.size(); ++i) {
    const std::string& question = text_entry(problems[i], "question");
    const Value& option = race_options(problems[i])[static_cast<std::size_t>(race_answer(problems[i]).as_int())];
    const std::string answer = option.is_string() ? option.as_string() : "";
    text += question.ends_with("  _  .") ? question.substr(0, question.size() - 5) + answer + "\n"
                                         : "Question: " + question + "\nAnswer: " + answer + "\n";
  }
  return text_value(text + text_entry(problems.back(), "question"));
}

// -- LogiQA, MathQA, MedQA, PubMedQA
// -----------------------------------------------------------------------------------------------

Value logiqa_text(const Value& document) {
  std::string text = fmt::format("Passage: {}\nQuestion: {}\nChoices:\n", text_entry(document, "context"),
                                 text_entry(document, "question"));
  char letter = 'A';
  for (const Value& option : entry(document, "options").items()) {
    if (letter > 'D') break;
    text += fmt::format("{}. {}\n", letter++, option.is_string() ? option.as_string() : "");
  }
  return text_value(text + "Answer:");
}

Value logiqa_target(const Value& document) {
  return letter_number(jinja::strip(text_entry(document, "label")), 'a', 4, "LogiQA");
}

Value mathqa_choices(const Value& document) {
  static const text::PythonRegex kOption(R"([abcd] \) .*?, |e \) .*?$)");
  const std::string& options = text_entry(document, "options");
  std::vector<Value> choices;
  for (const auto& match : kOption.find_all(options)) {
    std::string choice = options.substr(match.begin() + 4, match.end() - match.begin() - 4);
    choice.erase(choice.find_last_not_of(" ,") + 1);
    choices.push_back(text_value(std::move(choice)));
  }
  return Value::list(std::move(choices));
}

Value medqa_text(const Value& document) {
  return text_value(fmt::format("Question: {}\nA. {}\nB. {}\nC. {}\nD. {}\nAnswer:", text_entry(document, "sent1"),
                                text_entry(document, "ending0"), text_entry(document, "ending1"),
                                text_entry(document, "ending2"), text_entry(document, "ending3")));
}

Value medqa_target(const Value& document) { return entry(document, "label"); }

Value pubmedqa_text(const Value& document) {
  std::string contexts;
  for (const Value& context : entry(document, "CONTEXTS").items()) {
    contexts += (contexts.empty() ? "" : "\n") + (context.is_string() ? context.as_string() : "");
  }
  return text_value(fmt::format("Abstract: {}\nQuestion: {}\nAnswer:", contexts, text_entry(document, "QUESTION")));
}

// -- arithmetic: the file's Q and A are written out (Brown et al., arXiv:2005.14165)
// --------------------------------------------------

void arithmetic_documents(std::vector<Value>& documents) {
  for (const Value& document : documents) {
    std::string context(jinja::strip(text_entry(document, "context")));
    context = replaced(replaced(replaced(std::move(context), "\n\n", "\n"), "Q:", "Question:"), "A:", "Answer:");
    document.as_dict().set("context", text_value(std::move(context)));
  }
}

// -- WikiText: tokens are joined to text again; words and bytes are counted in the page as it was (Merity et al.,
// arXiv:1609.07843) -----

using Change = std::pair<std::string_view, std::string_view>;

std::string changed(std::string text, std::span<const Change> changes) {
  for (const auto& [from, to] : changes) text = replaced(std::move(text), from, to);
  return text;
}

Value wikitext_text(const Value& document) {
  static constexpr std::array<Change, 9> kSeparators{{{" @-@ ", "-"},
                                                      {" @,@ ", ","},
                                                      {" @.@ ", "."},
                                                      {" : ", ": "},
                                                      {" ; ", "; "},
                                                      {" . ", ". "},
                                                      {" ! ", "! "},
                                                      {" ? ", "? "},
                                                      {" , ", ", "}}};
  static constexpr std::array<Change, 8> kRest{{{"= = = =", "===="},
                                                {"= = =", "==="},
                                                {"= =", "=="},
                                                {" \xC2\xB0 ", "\xC2\xB0"},
                                                {" \n", "\n"},
                                                {"\n ", "\n"},
                                                {" N ", " 1 "},
                                                {" 's", "'s"}}};
  static const std::array<std::pair<text::PythonRegex, std::string_view>, 5> kBrackets{
      {{text::PythonRegex(R"(\(\s*([^\)]*?)\s*\))"), R"((\1))"},
       {text::PythonRegex(R"(\[\s*([^\]]*?)\s*\])"), R"([\1])"},
       {text::PythonRegex(R"({\s*([^}]*?)\s*})"), R"({\1})"},
       {text::PythonRegex(R"re("\s*([^"]*?)\s*")re"), R"re("\1")re"},
       {text::PythonRegex(R"('\s*([^']*?)\s*')"), R"('\1')"}}};
  static const text::PythonRegex kYear("/' [0-9]/");
  std::string text = replaced(text_entry(document, "page"), "s '", "s'");
  text = changed(kYear.substitute(text, "/'[0-9]/"), kSeparators);
  for (const auto& [pattern, replacement] : kBrackets) text = pattern.substitute(text, replacement);
  return text_value(changed(std::move(text), kRest));
}

MetricValues wikitext_results(const Value& document, const std::vector<Value>& responses) {
  static const text::PythonRegex kSpace(R"(\s+)");
  const std::string& page = text_entry(document, "page");
  const Value words = Value::integer(std::ssize(kSpace.split(page)));
  const Value bytes = Value::integer(std::ssize(page));
  const Value& log = responses.front();
  return {{"word_perplexity", Value::tuple({log, words})},
          {"byte_perplexity", Value::tuple({log, bytes})},
          {"bits_per_byte", Value::tuple({log, bytes})}};
}

// -- CommitmentBank: F1 of each of three classes against the rest, averaged (Wang et al., arXiv:1905.00537)
// ---------------------------

double three_class_f1(const std::vector<Value>& pairs) {
  double sum = 0;
  for (std::int64_t label = 0; label < 3; ++label) {
    double both = 0, gold = 0, predicted = 0;
    for (const Value& pair : pairs) {
      if (!pair.is_sequence() || pair.items().size() != 2 || !pair.items()[0].is_integral() ||
          !pair.items()[1].is_integral()) {
        throw ValueError("f1 needs one number of a choice as gold and as prediction");
      }
      const bool is_gold = pair.items()[0].as_int() == label;
      const bool is_predicted = pair.items()[1].as_int() == label;
      both += is_gold && is_predicted ? 1 : 0;
      gold += is_gold ? 1 : 0;
      predicted += is_predicted ? 1 : 0;
    }
    sum += gold + predicted == 0 ? 0 : 2 * both / (gold + predicted);
  }
  return sum / 3;
}

constexpr BuiltinFunction kLanguageTaskFunctions[] = {
    {.name = "arithmetic/utils.process_docs", .documents = arithmetic_documents},
    {.name = "cb/aggregate.cb_multi_fi", .aggregation = three_class_f1},
    {.name = "copa/utils.doc_to_choice", .field = copa_choices},
    {.name = "copa/utils.doc_to_target", .field = copa_target},
    {.name = "copa/utils.doc_to_text", .field = copa_text},
    {.name = "logiqa/utils_logiqa.doc_to_target", .field = logiqa_target},
    {.name = "logiqa/utils_logiqa.doc_to_text", .field = logiqa_text},
    {.name = "mathqa/utils.doc_to_choice", .field = mathqa_choices},
    {.name = "medqa/preprocess_medqa.doc_to_target", .field = medqa_target},
    {.name = "medqa/preprocess_medqa.doc_to_text", .field = medqa_text},
    {.name = "pubmedqa/preprocess_pubmedqa.doc_to_text", .field = pubmedqa_text},
    {.name = "race/preprocess_race.doc_to_choice", .field = race_choices},
    {.name = "race/preprocess_race.doc_to_target", .field = race_target},
    {.name = "race/preprocess_race.doc_to_text", .field = race_text},
    {.name = "wikitext/preprocess_wikitext.process_results", .results = wikitext_results},
    {.name = "wikitext/preprocess_wikitext.wikitext_detokenizer", .field = wikitext_text},
};

}  // namespace

std::span<const BuiltinFunction> language_task_functions() { return kLanguageTaskFunctions; }

}  // namespace cambium::tasks
