#include "tasks/ifeval/instruction_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "tensor/error.h"
#include "text/jinja_nearest.h"

namespace cambium::tasks::ifeval {
namespace {

constexpr Instruction kInstructions[] = {
    {"keywords:existence", keyword_existence},
    {"keywords:frequency", keyword_frequency},
    {"keywords:forbidden_words", forbidden_words},
    {"keywords:letter_frequency", letter_frequency},
    {"language:response_language", response_language},
    {"length_constraints:number_sentences", number_sentences},
    {"length_constraints:number_paragraphs", number_paragraphs},
    {"length_constraints:number_words", number_words},
    {"length_constraints:nth_paragraph_first_word", nth_paragraph_first_word},
    {"detectable_content:number_placeholders", number_placeholders},
    {"detectable_content:postscript", postscript},
    {"detectable_format:number_bullet_lists", number_bullet_lists},
    {"detectable_format:constrained_response", constrained_response},
    {"detectable_format:number_highlighted_sections", number_highlighted_sections},
    {"detectable_format:multiple_sections", multiple_sections},
    {"detectable_format:json_format", json_format},
    {"detectable_format:title", title},
    {"combination:two_responses", two_responses},
    {"combination:repeat_prompt", repeat_prompt},
    {"startend:end_checker", end_checker},
    {"startend:quotation", quotation},
    {"change_case:capital_word_frequency", capital_word_frequency},
    {"change_case:english_capital", english_capital},
    {"change_case:english_lowercase", english_lowercase},
    {"punctuation:no_comma", no_comma},
};

}  // namespace

std::span<const Instruction> instructions() { return kInstructions; }

const Instruction& find_instruction(std::string_view id) {
  const auto found = std::ranges::find(kInstructions, id, &Instruction::id);
  if (found != std::end(kInstructions)) return *found;
  std::vector<std::string_view> known;
  for (const Instruction& instruction : kInstructions) known.push_back(instruction.id);
  throw RecipeError(
      fmt::format("'{}' is not one of IFEval's 25 instructions.{}", id, text::jinja::nearest_names(id, known)));
}

}  // namespace cambium::tasks::ifeval
