#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cambium::tasks {

// Answers of a few words, taken out of a response that may say more. Each looks first at what the response states as
// its answer (answer_statement.h), then at all of it.

/// Yes or no: the first of yes, no, true, false, yeah, yep, nope, correct, incorrect that begins the text; else the
/// only one of the two answers that occurs as a word.
[[nodiscard]] std::optional<bool> extract_yes_no(std::string_view response);

/// A digit 0-9, spoken or written: the only one that occurs as a word ("zero" or "oh" to "nine") or as a figure of its
/// own; nothing where several differ.
[[nodiscard]] std::optional<int> extract_digit(std::string_view response);

/// The last number; in a stated answer the first.
[[nodiscard]] std::optional<double> extract_number(std::string_view response);

/// In lower case, without marks and articles, blanks as one: as SQuAD's evaluation compares answers (Rajpurkar et al.,
/// arXiv:1606.05250), for any script.
[[nodiscard]] std::string plain_words(std::string_view text);

/// Whether `words` occurs in `text` as whole words; both as plain_words gives them, `words` not empty.
[[nodiscard]] bool contains_words(std::string_view text, std::string_view words);

}  // namespace cambium::tasks
