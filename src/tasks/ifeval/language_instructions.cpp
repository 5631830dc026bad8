// Instructions about the language and about capitals. A text without anything a language could be told by (only digits
// and marks) counts as following, as in the reference.
#include <algorithm>
#include <string>

#include "tasks/ifeval/instruction_table.h"
#include "tasks/ifeval/language_detector.h"
#include "tasks/ifeval/word_splitter.h"

namespace cambium::tasks::ifeval {
namespace {

bool is_in_language(std::string_view response, std::string_view language, std::uint64_t seed) {
  return detect_language(response, seed).value_or(std::string(language)) == language;
}

}  // namespace

Check response_language(const InstructionArguments& arguments) {
  return [language = arguments.text("language"), seed = arguments.chance()](std::string_view response) {
    return is_in_language(response, language, seed);
  };
}

Check english_capital(const InstructionArguments& arguments) {
  return [seed = arguments.chance()](std::string_view response) {
    return is_upper_text(response) && is_in_language(response, "en", seed);
  };
}

Check english_lowercase(const InstructionArguments& arguments) {
  return [seed = arguments.chance()](std::string_view response) {
    return is_lower_text(response) && is_in_language(response, "en", seed);
  };
}

Check capital_word_frequency(const InstructionArguments& arguments) {
  return [relation = arguments.relation("capital_relation", "capital_frequency")](std::string_view response) {
    return relation.holds(static_cast<std::size_t>(std::ranges::count_if(treebank_words(response), is_upper_text)));
  };
}

}  // namespace cambium::tasks::ifeval
