// Instructions about how a response begins, ends or is put together.
#include <string>
#include <vector>

#include "tasks/ifeval/instruction_table.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks::ifeval {

namespace jinja = text::jinja;

// Exactly two that differ, between six stars; only the ends may be blank.
Check two_responses(const InstructionArguments& /*arguments*/) {
  return [](std::string_view response) {
    constexpr std::string_view kDivider = "******";
    std::vector<std::string_view> given;
    for (bool is_first = true;; is_first = false) {
      const std::size_t at = response.find(kDivider);
      const bool is_last = at == std::string_view::npos;
      const std::string_view part = jinja::strip(response.substr(0, at));
      if (!part.empty()) given.push_back(part);
      if (part.empty() && !is_first && !is_last) return false;
      if (is_last) break;
      response.remove_prefix(at + kDivider.size());
    }
    return given.size() == 2 && given[0] != given[1];
  };
}

Check repeat_prompt(const InstructionArguments& arguments) {
  return [prompt = jinja::to_lower(arguments.stripped_text("prompt_to_repeat"))](std::string_view response) {
    return jinja::to_lower(jinja::strip(response)).starts_with(prompt);
  };
}

Check end_checker(const InstructionArguments& arguments) {
  return [phrase = jinja::to_lower(arguments.stripped_text("end_phrase"))](std::string_view response) {
    std::string_view text = jinja::strip(response);
    while (text.starts_with('"')) text.remove_prefix(1);
    while (text.ends_with('"')) text.remove_suffix(1);
    return jinja::to_lower(text).ends_with(phrase);
  };
}

Check quotation(const InstructionArguments& /*arguments*/) {
  return [](std::string_view response) {
    const std::string_view text = jinja::strip(response);
    return text.size() > 1 && text.starts_with('"') && text.ends_with('"');
  };
}

}  // namespace cambium::tasks::ifeval
