#include "tasks/answer_kind.h"

#include <array>
#include <cstddef>

#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;

constexpr std::array<AnswerKindName, 6> kNames{{
    {AnswerKind::kRefusal, "refusal/empty", "nothing was answered, or the answer was refused"},
    {AnswerKind::kTruncated, "truncated", "cut off before it came to an answer"},
    {AnswerKind::kLanguageSwitch, "language switch", "in another language or script than the question"},
    {AnswerKind::kFormat, "format/extraction", "an answer is there, but not in the form that is extracted"},
    {AnswerKind::kArithmetic, "arithmetic slip", "a calculation in the answer is wrong"},
    {AnswerKind::kReasoning, "wrong reasoning/choice", "plainly another answer"},
}};

bool has_extracted(const WrongAnswer& answer) {
  return answer.extracted && !jinja::strip(*answer.extracted).empty() && *answer.extracted != "[invalid]";
}

}  // namespace

std::span<const AnswerKindName> answer_kinds() { return kNames; }

std::string_view name_of(AnswerKind kind) { return kNames[static_cast<std::size_t>(kind)].name; }

AnswerFinding answer_kind(const WrongAnswer& answer) {
  if (!answer.response) return {AnswerKind::kReasoning, "another option is more probable"};
  if (jinja::strip(*answer.response).empty()) return {AnswerKind::kRefusal, "the response is blank"};
  if (!has_extracted(answer) && answer.finish_reason == "length") {
    return {AnswerKind::kTruncated, "stopped at the length limit without an answer"};
  }
  if (!has_extracted(answer)) return {AnswerKind::kFormat, "no answer in the expected form"};
  return {AnswerKind::kReasoning, "another answer is plainly given"};
}

}  // namespace cambium::tasks
