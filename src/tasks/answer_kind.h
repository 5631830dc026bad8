#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cambium::tasks {

/// Why an answer is wrong, as far as fixed rules can tell.
enum class AnswerKind : std::uint8_t {
  kRefusal,         ///< nothing was answered: blank, or a refusal
  kTruncated,       ///< the text was cut off before it came to an answer
  kLanguageSwitch,  ///< the answer is in another language or script than the question
  kFormat,          ///< the right answer is there, or some answer, but not in the form that is extracted
  kArithmetic,      ///< a calculation in the answer is wrong
  kReasoning,       ///< everything else: the wrong choice, number or word, plainly given
};

/// An answer that was scored as wrong.
struct WrongAnswer {
  std::string_view question;  ///< the question's text; without few-shot examples where they are known
  std::string_view gold;      ///< the expected answer, or the text of the right option
  /// What the model wrote; nothing where options were compared by their probability, which leaves kReasoning only.
  std::optional<std::string_view> response;
  /// What the filter took out of the response; nothing (or "[invalid]") where it found no answer.
  std::optional<std::string_view> extracted;
  std::string_view finish_reason;  ///< "stop", "length" ...; empty: not known
};

/// A kind, and what in the answer decided for it.
struct AnswerFinding {
  AnswerKind kind = AnswerKind::kReasoning;
  std::string reason;  ///< one sentence for a person, e.g. "says 48 / 2 = 25, which is 24"
};

/// Sorts a wrong answer by the first rule that applies, in the order of AnswerKind; docs/scorers.md has the rules.
/// Cost: microseconds; a millisecond where languages are compared.
[[nodiscard]] AnswerFinding answer_kind(const WrongAnswer& answer);

/// How the kinds are called in tables and files.
struct AnswerKindName {
  AnswerKind kind;
  std::string_view name;   ///< "refusal/empty", "truncated", "language switch", "format/extraction", "arithmetic slip",
                           ///< "wrong reasoning/choice"
  std::string_view means;  ///< one line for legends
};

/// In the order of AnswerKind.
[[nodiscard]] std::span<const AnswerKindName> answer_kinds();
[[nodiscard]] std::string_view name_of(AnswerKind kind);

}  // namespace cambium::tasks
