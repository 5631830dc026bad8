#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// The right answer's place in a row of data: `wanted`, or the first of `usual` that the row has (and is not None).
/// @throws RecipeError  there is none; the message lists what was looked for
[[nodiscard]] const text::jinja::Value& gold_value(const text::jinja::Value& document, std::string_view wanted,
                                                   std::span<const std::string_view> usual);

/// The texts of a gold value: a text, number or truth value ("yes", "no"), or a list of them or of objects with
/// `answer` or `text`; an object's own list under `value`, `aliases` or `text` (TriviaQA, SQuAD).
/// @throws RecipeError  another type, or none at all
[[nodiscard]] std::vector<std::string> gold_texts(const text::jinja::Value& gold);

}  // namespace cambium::tasks
