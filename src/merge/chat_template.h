#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "merge/source.h"

namespace cambium::merge {

/// The chat template a model folder holds: chat_template.jinja, else the one (or the one named `default`) of
/// tokenizer_config.json or chat_template.json; nothing if there is none.
[[nodiscard]] std::optional<std::string> chat_template_of(const Source& source);

/// What a recipe's `chat_template` stands for.
///
/// @param wanted   "auto": the template that most of the models have (of equally many the first one's); a known name
///                 (chatml, llama3, mistral, alpaca, exaone); or a template itself
/// @param sources  the models, in the recipe's order
/// @return         nothing for "auto" when no model has one
/// @throws RecipeError  neither a known name nor anything that could be a template; `where` opens the message
[[nodiscard]] std::optional<std::string> choose_chat_template(std::string_view wanted,
                                                              std::span<const Source* const> sources,
                                                              std::string_view where);

/// Puts a chat template in place of those among the files.
void replace_chat_template(std::vector<CompanionFile>& files, const std::string& text);

}  // namespace cambium::merge
