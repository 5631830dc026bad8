#pragma once

#include <optional>
#include <string_view>

namespace cambium::tasks {

/// Where a response says what its answer is: what stands in the last of
///   "#### ...", "\boxed{...}" (braces matched), "<answer>...</answer>",
///   "answer is ...", "answer: ...", "answer = ..." (also: option, choice, solution, result; "answer is: ...")
/// to the end of the line, without blanks, "**" and "$" around it. Nothing if the response has none of them.
/// @return  a view into `response`, not empty
[[nodiscard]] std::optional<std::string_view> stated_answer(std::string_view response);

/// A response that declines: its first 300 characters hold one of a list of phrases ("I cannot", "as an AI", "it is not
/// possible to determine" ...). @return  the phrase as it is written there
[[nodiscard]] std::optional<std::string_view> refusal_phrase(std::string_view response);

}  // namespace cambium::tasks
