// Instructions about words and letters that must or must not occur.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tasks/ifeval/instruction_table.h"
#include "tasks/python_random.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks::ifeval {
namespace {

namespace jinja = text::jinja;
using text::PythonRegex;

constexpr PythonRegex::Flags kAnyCase{.ignore_case = true};
using Patterns = std::vector<PythonRegex>;

// Keywords are regular expressions to the reference: "U.S." also finds "UKSA".
Check any_or_all(std::vector<std::string> expressions, bool all) {
  auto patterns = std::make_shared<Patterns>();
  for (const std::string& expression : expressions) patterns->emplace_back(expression, kAnyCase);
  return [patterns, all](std::string_view response) {
    const auto occurs = [&](const PythonRegex& pattern) { return pattern.search(response).has_value(); };
    return all ? std::ranges::all_of(*patterns, occurs) : std::ranges::none_of(*patterns, occurs);
  };
}

}  // namespace

Check keyword_existence(const InstructionArguments& arguments) { return any_or_all(arguments.texts("keywords"), true); }

Check forbidden_words(const InstructionArguments& arguments) {
  std::vector<std::string> words = arguments.texts("forbidden_words");
  for (std::string& word : words) word = R"(\b)" + word + R"(\b)";
  return any_or_all(std::move(words), false);
}

Check keyword_frequency(const InstructionArguments& arguments) {
  const auto keyword = std::make_shared<PythonRegex>(arguments.stripped_text("keyword"), kAnyCase);
  return [keyword, relation = arguments.relation("relation", "frequency")](std::string_view response) {
    return relation.holds(keyword->find_all(response).size());
  };
}

Check letter_frequency(const InstructionArguments& arguments) {
  const std::string asked = jinja::to_lower(arguments.text("letter"));
  // Anything but a letter of a-z is replaced by one drawn at random, as the reference does (two rows of the data).
  const bool is_letter = asked.size() == 1 && asked[0] >= 'a' && asked[0] <= 'z';
  const char letter = is_letter ? asked[0] : static_cast<char>('a' + PythonRandom(arguments.chance()).below(26));
  return [letter, relation = arguments.relation("let_relation", "let_frequency")](std::string_view response) {
    const std::string lower = jinja::to_lower(response);
    return relation.holds(static_cast<std::size_t>(std::ranges::count(lower, letter)));
  };
}

}  // namespace cambium::tasks::ifeval
