#include "tasks/scorers/choice_question.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "tasks/scorers/gold_answer.h"
#include "tasks/scorers/short_answer.h"
#include "tensor/error.h"
#include "text/jinja_number_text.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;
using Options = std::vector<ChoiceQuestion::Option>;

constexpr std::array<std::string_view, 9> kGoldFields{
    "answerKey", "answer", "gold", "label", "correct", "answer_index", "answer_idx", "target", "correct_option"};
constexpr std::size_t kLettersWithoutTexts = 18;  // BIG-Bench Hard has up to 18 options

std::string letter(std::size_t index) { return index < 26 ? std::string(1, static_cast<char>('A' + index)) : ""; }

const Value* field(const Value& row, std::string_view name) {
  const Value* found = row.is_dict() ? row.as_dict().find(name) : nullptr;
  return found == nullptr || found->is_none() ? nullptr : found;
}

std::string text_of(const Value& value, std::string_view name) {
  if (value.is_string() || value.is_number()) return gold_texts(value).front();
  throw RecipeError(fmt::format("an option in '{}' is {}, expected a text", name, type_name(value)));
}

// "A)12" for all, in order, is label and text.
void split_labels(Options& options) {
  static const text::PythonRegex kLabelled(R"(\(?([A-Z])[).:]\s*)");
  std::vector<std::size_t> prefixes;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const auto match = kLabelled.match_start(options[i].text);
    if (!match || match->group(options[i].text, 1) != letter(i)) return;
    prefixes.push_back(match->end());
  }
  for (std::size_t i = 0; i < options.size(); ++i) options[i].text.erase(0, prefixes[i]);
}

Options options_of_list(const Value& list, std::string_view name) {
  Options options;
  for (const Value& item : list.items()) {
    if (item.is_dict()) {
      const Value* text = field(item, "text");
      const Value* label = field(item, "label");
      if (text == nullptr) throw RecipeError(fmt::format("an option in '{}' has no 'text'", name));
      options.push_back({label == nullptr ? letter(options.size()) : text_of(*label, name), text_of(*text, name)});
    } else {
      options.push_back({letter(options.size()), text_of(item, name)});
    }
  }
  split_labels(options);
  return options;
}

Options options_of_object(const Value& object, std::string_view name) {
  Options options;
  const Value* texts = field(object, "text");
  const Value* labels = field(object, "label");
  if (texts != nullptr && texts->is_sequence()) {
    if (labels != nullptr && (!labels->is_sequence() || labels->items().size() != texts->items().size())) {
      throw RecipeError(fmt::format("'{}' has other numbers of 'text' and 'label'", name));
    }
    for (const Value& text : texts->items()) {
      const std::size_t i = options.size();
      options.push_back({labels == nullptr ? letter(i) : text_of(labels->items()[i], name), text_of(text, name)});
    }
    return options;
  }
  for (const auto& [label, text] : object.as_dict().entries()) {
    options.push_back({text_of(label, name), text_of(text, name)});
  }
  return options;
}

// Lines "(A) text", "A) text" or "A. text" in order, the last run of them.
Options options_of_text(const std::string& text) {
  static const text::PythonRegex kLine(R"(^[ \t]*(?:\(([A-Z])\)|([A-Z])[).])[ \t]+(\S.*)$)", {.multi_line = true});
  Options options;
  for (const text::PythonRegex::Match& match : kLine.find_all(text)) {
    const std::string_view label = match.group(text, match.groups[1] ? 1 : 2);
    if (label == "A") options.clear();
    if (label != letter(options.size())) continue;
    options.push_back({std::string(label), std::string(match.group(text, 3))});
  }
  return options;
}

Options options_of(const Value& document) {
  for (const std::string_view name : {"choices", "options", "endings"}) {
    const Value* found = field(document, name);
    if (found == nullptr) continue;
    if (found->is_sequence()) return options_of_list(*found, name);
    if (found->is_dict()) return options_of_object(*found, name);
    throw RecipeError(fmt::format("'{}' is {}, expected a list or an object", name, type_name(*found)));
  }
  Options options;
  for (const std::string_view stem : {"option", "sol"}) {
    for (std::size_t i = 1; const Value* text = field(document, fmt::format("{}{}", stem, i)); ++i) {
      options.push_back({fmt::format("{}", i), text_of(*text, stem)});
    }
    if (!options.empty()) return options;
  }
  for (std::size_t i = 0; i < 26; ++i) {
    const Value* text = field(document, letter(i));
    if (text == nullptr) break;
    options.push_back({letter(i), text_of(*text, letter(i))});
  }
  if (options.size() >= 2) return options;
  for (const std::string_view name : {"input", "question", "query", "prompt"}) {
    const Value* text = field(document, name);
    if (text == nullptr || !text->is_string()) continue;
    options = options_of_text(text->as_string());
    if (options.size() >= 2) return options;
  }
  options.clear();
  for (std::size_t i = 0; i < kLettersWithoutTexts; ++i) options.push_back({letter(i), ""});
  return options;
}

std::size_t gold_of(const Options& options, const Value& gold) {
  const auto refuse = [&](std::string_view found) -> std::size_t {
    throw RecipeError(
        fmt::format("the right answer is '{}', which is neither label, number (0-{}) nor text of one of the "
                    "{} options",
                    found, options.size() - 1, options.size()));
  };
  if (options.empty()) throw RecipeError("a multiple-choice question has no options");
  if (gold.is(jinja::Type::kInt)) {
    if (gold.as_int() < 0 || gold.as_int() >= static_cast<std::int64_t>(options.size())) {
      return refuse(fmt::format("{}", gold.as_int()));
    }
    return static_cast<std::size_t>(gold.as_int());
  }
  const std::string written = gold_texts(gold).front();
  std::string_view label = jinja::strip(written);
  if (label.size() >= 3 && label.front() == '(' && label.back() == ')') label = label.substr(1, label.size() - 2);
  const auto by_label = std::ranges::find(options, label, &ChoiceQuestion::Option::label);
  if (by_label != options.end()) return static_cast<std::size_t>(by_label - options.begin());
  if (const std::optional<Value> number = jinja::read_integer(label, 10); number && number->is(jinja::Type::kInt)) {
    return gold_of(options, *number);
  }
  const auto by_text = std::ranges::find_if(options, [&](const ChoiceQuestion::Option& option) {
    return !option.text.empty() && plain_words(option.text) == plain_words(written);
  });
  return by_text == options.end() ? refuse(written) : static_cast<std::size_t>(by_text - options.begin());
}

}  // namespace

ChoiceQuestion ChoiceQuestion::of(const Value& document, std::string_view gold_field) {
  ChoiceQuestion question;
  question.options = options_of(document);
  question.gold = gold_of(question.options, gold_value(document, gold_field, kGoldFields));
  return question;
}

}  // namespace cambium::tasks
