#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "tasks/ifeval/instruction_arguments.h"

namespace cambium::tasks::ifeval {

/// Whether a response (not blank) follows an instruction. @throws ValueError  a regular expression takes too long
using Check = std::function<bool(std::string_view response)>;

/// One of the 25 kinds of instructions that can be verified (Zhou et al., arXiv:2311.07911).
struct Instruction {
  std::string_view id;  ///< such as "length_constraints:number_words"
  /// @throws RecipeError  missing or malformed arguments; ValueError a keyword that is not a regular expression
  Check (*check)(const InstructionArguments& arguments);
};

/// In the order of the paper's groups. Source: src/tasks/ifeval/instruction_table.cpp.
[[nodiscard]] std::span<const Instruction> instructions();
/// @throws RecipeError  unknown; the message names the nearest
[[nodiscard]] const Instruction& find_instruction(std::string_view id);

// Rows of the table, by what they look at. Each is the reference's rule, oddities included (docs/scorers.md).
Check keyword_existence(const InstructionArguments& arguments);
Check keyword_frequency(const InstructionArguments& arguments);
Check forbidden_words(const InstructionArguments& arguments);
Check letter_frequency(const InstructionArguments& arguments);

Check number_sentences(const InstructionArguments& arguments);
Check number_paragraphs(const InstructionArguments& arguments);
Check number_words(const InstructionArguments& arguments);
Check nth_paragraph_first_word(const InstructionArguments& arguments);

Check number_placeholders(const InstructionArguments& arguments);
Check postscript(const InstructionArguments& arguments);
Check number_bullet_lists(const InstructionArguments& arguments);
Check constrained_response(const InstructionArguments& arguments);
Check number_highlighted_sections(const InstructionArguments& arguments);
Check multiple_sections(const InstructionArguments& arguments);
Check json_format(const InstructionArguments& arguments);
Check title(const InstructionArguments& arguments);

Check two_responses(const InstructionArguments& arguments);
Check repeat_prompt(const InstructionArguments& arguments);
Check end_checker(const InstructionArguments& arguments);
Check quotation(const InstructionArguments& arguments);

Check response_language(const InstructionArguments& arguments);
Check capital_word_frequency(const InstructionArguments& arguments);
Check english_capital(const InstructionArguments& arguments);
Check english_lowercase(const InstructionArguments& arguments);
Check no_comma(const InstructionArguments& arguments);

}  // namespace cambium::tasks::ifeval
