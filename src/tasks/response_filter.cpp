#include "tasks/response_filter.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "text/jinja_operators.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;
using text::PythonRegex;

const Value* argument(const FilterStep& step, std::string_view name) {
  const Value* found = step.arguments.as_dict().find(name);
  return found == nullptr || found->is_none() ? nullptr : found;
}

std::string text_argument(const FilterStep& step, std::string_view name, std::string_view fallback) {
  const Value* value = argument(step, name);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) throw RecipeError(fmt::format("filter '{}': {} must be a text", step.function, name));
  return value->as_string();
}

std::int64_t integer_argument(const FilterStep& step, std::string_view name, std::int64_t fallback) {
  const Value* value = argument(step, name);
  if (value == nullptr) return fallback;
  if (!value->is_integral())
    throw RecipeError(fmt::format("filter '{}': {} must be a whole number", step.function, name));
  return value->as_int();
}

bool flag_argument(const FilterStep& step, std::string_view name) {
  const Value* value = argument(step, name);
  return value != nullptr && jinja::truthy(*value);
}

using Patterns = std::map<std::string, PythonRegex>;

const PythonRegex& compiled(Patterns& patterns, const std::string& pattern) {
  const auto found = patterns.find(pattern);
  if (found != patterns.end()) return found->second;
  return patterns.emplace(pattern, PythonRegex(pattern)).first->second;
}

// A list's items; a text's characters, which is what Python goes through.
std::vector<Value> elements(const Value& value, std::string_view filter) {
  if (value.is_sequence()) return value.items();
  if (!value.is_string()) throw RecipeError(fmt::format("filter '{}' needs a list of answers", filter));
  std::vector<Value> characters;
  for (const char32_t c : jinja::to_code_points(value.as_string())) {
    std::string text;
    jinja::append_code_point(text, c);
    characters.push_back(Value::string(std::move(text)));
  }
  return characters;
}

Value each_text(const FilterStep& step, const Value& answers,
                const std::function<std::string(const std::string&)>& map) {
  std::vector<Value> mapped;
  for (const Value& answer : elements(answers, step.function)) {
    if (!answer.is_string()) throw RecipeError(fmt::format("filter '{}' needs texts", step.function));
    mapped.push_back(Value::string(map(answer.as_string())));
  }
  return Value::list(std::move(mapped));
}

// The chosen match of re.findall, stripped: a group's text, or with several groups the first that is not empty.
// Nothing: no match at all, or all groups of it empty (`all_empty`).
std::optional<std::string> selected_match(const PythonRegex& regex, std::string_view text, std::int64_t select,
                                          bool& all_empty) {
  all_empty = false;
  const std::vector<PythonRegex::Match> matches = regex.find_all(text);
  if (matches.empty()) return std::nullopt;
  const auto count = static_cast<std::int64_t>(matches.size());
  const std::int64_t index = select < 0 ? select + count : select;
  if (index < 0 || index >= count) {
    throw RecipeError(
        fmt::format("filter 'regex': group_select {} of {} matches of '{}'", select, count, regex.pattern()));
  }
  const PythonRegex::Match& match = matches[static_cast<std::size_t>(index)];
  std::string_view chosen = match.group(text, regex.group_count() == 0 ? 0 : 1);
  if (regex.group_count() > 1) {
    for (std::size_t group = 1; group <= regex.group_count() && chosen.empty(); ++group)
      chosen = match.group(text, group);
    all_empty = chosen.empty();
  }
  return std::string(jinja::strip(chosen));
}

Value regex(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& patterns) {
  const PythonRegex& pattern = compiled(patterns, text_argument(step, "regex_pattern", R"(#### (\-?[0-9\.\,]+))"));
  const std::string fallback = text_argument(step, "fallback", "[invalid]");
  const std::int64_t select = integer_argument(step, "group_select", 0);
  std::vector<Value> found;
  for (const Value& answer : elements(answers, step.function)) {
    bool all_empty = false;
    const std::optional<std::string> match =
        selected_match(pattern, answer.is_string() ? answer.as_string() : "", select, all_empty);
    found.push_back(Value::string(!match ? fallback : all_empty ? std::string(jinja::strip(fallback)) : *match));
  }
  return Value::list(std::move(found));
}

bool is_punctuation(char32_t c) {
  const utf8proc_category_t kind = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return kind >= UTF8PROC_CATEGORY_PC && kind <= UTF8PROC_CATEGORY_PO;
}

std::string cleaned(const FilterStep& step, std::string text, Patterns& patterns) {
  if (const Value* ignored = argument(step, "regexes_to_ignore")) {
    for (const Value& pattern : ignored->items()) text = compiled(patterns, pattern.as_string()).substitute(text, "");
  }
  if (flag_argument(step, "ignore_case")) text = jinja::to_lower(text);
  if (!flag_argument(step, "ignore_punctuation")) return text;
  std::u32string kept = jinja::to_code_points(text);
  std::erase_if(kept, is_punctuation);
  return jinja::to_utf8(kept);
}

Value multi_choice_regex(const FilterStep& step, const Value& answers, const Value& document, Patterns& patterns) {
  const PythonRegex& pattern = compiled(patterns, text_argument(step, "regex_pattern", R"(#### (\-?[0-9\.\,]+))"));
  const std::string fallback = text_argument(step, "fallback", "[invalid]");
  const std::int64_t select = integer_argument(step, "group_select", 0);
  const Value* choices = document.is_dict() ? document.as_dict().find("choices") : nullptr;
  if (choices == nullptr || !choices->is_sequence()) {
    throw RecipeError("filter 'multi_choice_regex' needs documents with a list 'choices'");
  }
  std::vector<std::string> texts;
  std::map<std::string, std::string> letter_of;
  std::string letters;
  for (const Value& choice : choices->items()) {
    const char letter = static_cast<char>('A' + texts.size());
    texts.push_back(cleaned(step, std::string(jinja::strip(choice.as_string())), patterns));
    letter_of[texts.back()] = fmt::format("({})", letter);
    letters += fmt::format("{}{}", letters.empty() ? "" : "|", letter);
  }
  std::vector<std::string> escaped;
  for (const std::string& text : texts) escaped.push_back(text::escape_regex(text));
  std::ranges::stable_sort(escaped, std::ranges::greater{},
                           [](const std::string& text) { return jinja::count_code_points(text); });
  const PythonRegex by_text(fmt::format("{}", fmt::join(escaped, "|")));
  const PythonRegex by_letter(fmt::format(R"(:[\s]*({}))", letters));

  std::vector<Value> found;
  for (const Value& answer : elements(answers, step.function)) {
    const std::string text = answer.is_string() ? answer.as_string() : "";
    bool all_empty = false;
    std::optional<std::string> match = selected_match(pattern, text, select, all_empty);
    if (!match || match->empty()) {
      match = selected_match(by_text, cleaned(step, text, patterns), select, all_empty);
      if (match && letter_of.contains(*match)) match = letter_of[*match];
    }
    if (!match || match->empty()) {
      match = selected_match(by_letter, text, select, all_empty);
      if (match && match->size() == 1) match = fmt::format("({})", *match);
    }
    found.push_back(Value::string(match && !match->empty() ? *match : fallback));
  }
  return Value::list(std::move(found));
}

Value take_first(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  const std::vector<Value> all = elements(answers, step.function);
  if (all.empty()) throw RecipeError("filter 'take_first': there is no answer to take");
  return all.front();
}

Value take_first_k(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  std::vector<Value> all = elements(answers, step.function);
  const std::int64_t count = integer_argument(step, "k", 0);
  if (count < 1 || std::ssize(all) < count) {
    throw RecipeError(fmt::format(
        "filter 'take_first_k': needs {} answers to each request, but there are {}; raise repeats", count, all.size()));
  }
  all.resize(static_cast<std::size_t>(count));
  return Value::list(std::move(all));
}

Value majority_vote(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  const std::vector<Value> all = elements(answers, step.function);
  jinja::Budget budget{jinja::Limits{}};
  std::size_t best = 0;
  std::size_t best_count = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto count = static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const Value& other) { return jinja::equal(all[i], other, budget); }));
    if (count <= best_count) continue;
    best = i;
    best_count = count;
  }
  return Value::list({all.at(best)});
}

Value remove_whitespace(const FilterStep& step, const Value& answers, const Value& /*document*/,
                        Patterns& /*patterns*/) {
  return each_text(step, answers, [](const std::string& text) { return std::string(jinja::strip(text)); });
}

Value lowercase(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  return each_text(step, answers, [](const std::string& text) { return jinja::to_lower(text); });
}

Value uppercase(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  return each_text(step, answers, [](const std::string& text) { return jinja::to_upper(text); });
}

Value map(const FilterStep& step, const Value& answers, const Value& /*document*/, Patterns& /*patterns*/) {
  const Value* mapping = argument(step, "mapping_dict");
  const Value* fallback = argument(step, "default_value");
  jinja::Budget budget{jinja::Limits{}};
  std::vector<Value> mapped;
  for (const Value& answer : elements(answers, step.function)) {
    const Value* found = mapping == nullptr ? nullptr : mapping->as_dict().find(answer, budget);
    mapped.push_back(found != nullptr ? *found : fallback != nullptr ? *fallback : Value());
  }
  return Value::list(std::move(mapped));
}

struct FilterFunction {
  std::string_view name;
  Value (*function)(const FilterStep& step, const Value& answers, const Value& document, Patterns& patterns);
  std::vector<std::string_view> arguments;
};

const std::vector<FilterFunction>& functions() {
  static const std::vector<FilterFunction> all{
      {"lowercase", lowercase, {}},
      {"majority_vote", majority_vote, {}},
      {"map", map, {"mapping_dict", "default_value"}},
      {"multi_choice_regex",
       multi_choice_regex,
       {"regex_pattern", "group_select", "fallback", "ignore_case", "ignore_punctuation", "regexes_to_ignore"}},
      {"regex", regex, {"regex_pattern", "group_select", "fallback"}},
      {"remove_whitespace", remove_whitespace, {}},
      {"take_first", take_first, {}},
      {"take_first_k", take_first_k, {"k"}},
      {"uppercase", uppercase, {}},
  };
  return all;
}

const FilterFunction* find_function(std::string_view name) {
  const auto found = std::ranges::find(functions(), name, &FilterFunction::name);
  return found == functions().end() ? nullptr : &*found;
}

}  // namespace

void check_filter(const FilterStep& step) {
  const FilterFunction* function = find_function(step.function);
  if (function == nullptr) {
    std::vector<std::string_view> known;
    for (const FilterFunction& row : functions()) known.push_back(row.name);
    throw RecipeError(fmt::format("unknown filter '{}'.{} Known: {}", step.function,
                                  jinja::nearest_names(step.function, known), fmt::join(known, ", ")));
  }
  for (const auto& [key, value] : step.arguments.as_dict().entries()) {
    if (std::ranges::find(function->arguments, key.as_string()) == function->arguments.end()) {
      throw RecipeError(fmt::format("filter '{}' takes no argument '{}'.{}", step.function, key.as_string(),
                                    jinja::nearest_names(key.as_string(), function->arguments)));
    }
  }
  try {
    if (argument(step, "regex_pattern") != nullptr)
      static_cast<void>(PythonRegex(text_argument(step, "regex_pattern", "")));
    if (const Value* ignored = argument(step, "regexes_to_ignore")) {
      if (!ignored->is_sequence()) throw RecipeError("regexes_to_ignore must be a list");
      for (const Value& pattern : ignored->items())
        static_cast<void>(PythonRegex(pattern.is_string() ? pattern.as_string() : "("));
    }
  } catch (const ValueError& error) {
    throw RecipeError(error.what());
  }
  if (const Value* mapping = argument(step, "mapping_dict"); mapping != nullptr && !mapping->is_dict()) {
    throw RecipeError("filter 'map': mapping_dict must be a mapping");
  }
}

Value ResponseFilter::apply(const Value& answers, const Value& document) {
  Value current = answers;
  for (const FilterStep& step : pipeline_.steps)
    current = find_function(step.function)->function(step, current, document, patterns_);
  return current;
}

}  // namespace cambium::tasks
