#include "tasks/answer_kind.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "tasks/answer_errors/equation_check.h"
#include "tasks/answer_errors/language_switch.h"
#include "tasks/scorers/answer_statement.h"
#include "tasks/scorers/number_text.h"
#include "tasks/scorers/short_answer.h"
#include "text/jinja_unicode.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using Finding = std::optional<AnswerFinding>;

constexpr std::array<AnswerKindName, 6> kNames{{
    {AnswerKind::kRefusal, "refusal/empty", "nothing was answered, or the answer was refused"},
    {AnswerKind::kTruncated, "truncated", "cut off before it came to an answer"},
    {AnswerKind::kLanguageSwitch, "language switch", "in another language or script than the question"},
    {AnswerKind::kFormat, "format/extraction", "an answer is there, but not in the form that is extracted"},
    {AnswerKind::kArithmetic, "arithmetic slip", "a calculation in the answer is wrong"},
    {AnswerKind::kReasoning, "wrong reasoning/choice", "plainly another answer"},
}};

constexpr std::size_t kShortAnswer = 300;  // bytes
constexpr std::size_t kShownCharacters = 40;
constexpr double kEqual = 1e-6;

/// The parts of a wrong answer that several rules look at.
struct Evidence {
  std::string_view question;
  std::string_view gold;  ///< without the reasoning of GSM8K's answers
  std::string_view response;
  std::string_view extracted;  ///< empty: none
  std::string_view finish_reason;
  std::optional<std::string_view> stated;
};

std::string_view result_of(std::string_view gold) {
  const std::size_t at = gold.rfind("####");
  return jinja::strip(at == std::string_view::npos ? gold : gold.substr(at + 4));
}

Evidence evidence_of(const WrongAnswer& answer) {
  std::string_view extracted = jinja::strip(answer.extracted.value_or(""));
  if (extracted == "[invalid]") extracted = {};
  return {answer.question, result_of(answer.gold), jinja::strip(*answer.response),
          extracted,       answer.finish_reason,   stated_answer(*answer.response)};
}

std::string shown(std::string_view text) {
  const std::size_t end = jinja::byte_offset(text, kShownCharacters);
  std::string out(text.substr(0, end));
  std::ranges::replace(out, '\n', ' ');
  return end < text.size() ? out + "..." : out;
}

// The label of "(B)", "B) 12", "**B**", "B." and "B"; 0 for other texts.
char label_of(std::string_view text) {
  while (!text.empty() && (text.front() == '(' || text.front() == '*' || text.front() == '[')) text.remove_prefix(1);
  if (text.empty() || text[0] < 'A' || text[0] > 'Z') return 0;
  const bool ends = text.size() == 1 || std::string_view(").:,]*").find(text[1]) != std::string_view::npos;
  return ends ? text[0] : '\0';
}

// Whether two answers mean the same, whatever their form.
bool same_answer(std::string_view a, std::string_view b) {
  const std::optional<double> left = read_number(a);
  const std::optional<double> right = read_number(b);
  if (left && right) return equal_numbers(*left, *right, kEqual);
  if (label_of(b) != 0 && b.size() <= 3) return label_of(a) == label_of(b);
  const std::string words = plain_words(b);
  return !words.empty() && plain_words(a) == words;
}

// Text such as "18 dollars." or "B, because ..." that begins with an answer.
bool begins_with_answer(std::string_view text, std::string_view gold) {
  if (same_answer(text, gold)) return true;
  const std::optional<double> wanted = read_number(gold);
  if (!wanted) {
    const std::string words = plain_words(gold);
    return words.size() > 1 && (plain_words(text) + ' ').starts_with(words + ' ');
  }
  const std::vector<FoundNumber> numbers = find_numbers(text);
  return !numbers.empty() && equal_numbers(numbers[0].value, *wanted, kEqual);
}

bool occurs_in(std::string_view response, std::string_view gold) {
  if (const std::optional<double> wanted = read_number(gold)) {
    return std::ranges::any_of(find_numbers(response),
                               [&](const FoundNumber& n) { return equal_numbers(n.value, *wanted, kEqual); });
  }
  const std::string words = plain_words(gold);
  return words.size() > 1 && contains_words(plain_words(response), words);
}

Finding refusal(const Evidence& e) {
  if (plain_words(e.response).empty()) {
    return AnswerFinding{AnswerKind::kRefusal,
                         e.response.empty() ? "the response is blank" : "the response has no word"};
  }
  const std::optional<std::string_view> phrase = refusal_phrase(e.response);
  if (!phrase || e.stated || (!e.extracted.empty() && e.response.size() > kShortAnswer)) return std::nullopt;
  return AnswerFinding{AnswerKind::kRefusal, fmt::format("says \"{}\" and states no answer", *phrase)};
}

Finding truncation(const Evidence& e) {
  constexpr std::array<std::string_view, 4> kLimits{"length", "max_tokens", "max_new_tokens", "model_length"};
  if (std::ranges::find(kLimits, e.finish_reason) != kLimits.end() && !e.stated) {
    return AnswerFinding{AnswerKind::kTruncated, "stopped at the length limit before it stated an answer"};
  }
  if (!e.finish_reason.empty() || !e.extracted.empty() || e.stated) return std::nullopt;
  if (std::string_view(",;:=+-*/(").find(e.response.back()) == std::string_view::npos) return std::nullopt;
  return AnswerFinding{AnswerKind::kTruncated, fmt::format("breaks off behind '{}'", e.response.back())};
}

Finding other_language(const Evidence& e) {
  if (const std::optional<std::string> why = language_switch(e.question, e.gold, e.response)) {
    return AnswerFinding{AnswerKind::kLanguageSwitch, *why};
  }
  return std::nullopt;
}

Finding format_slip(const Evidence& e) {
  const auto found = [](std::string reason) { return AnswerFinding{AnswerKind::kFormat, std::move(reason)}; };
  if (e.extracted.empty()) {
    return found(occurs_in(e.response, e.gold)
                     ? fmt::format("nothing was extracted, though \"{}\" is in the response", shown(e.gold))
                     : "nothing was extracted: no answer in the expected form");
  }
  if (same_answer(e.extracted, e.gold)) {
    return found(fmt::format("\"{}\" differs from \"{}\" in form only", shown(e.extracted), shown(e.gold)));
  }
  if (e.stated && begins_with_answer(*e.stated, e.gold) && !begins_with_answer(*e.stated, e.extracted)) {
    return found(fmt::format("states \"{}\", but \"{}\" was extracted", shown(*e.stated), shown(e.extracted)));
  }
  return std::nullopt;
}

Finding arithmetic_slip(const Evidence& e) {
  if (const std::optional<WrongEquation> wrong = wrong_equation(e.response)) {
    return AnswerFinding{AnswerKind::kArithmetic, fmt::format("says {}, which is {:g}", wrong->written, wrong->left)};
  }
  const std::optional<double> wanted = read_number(e.gold);
  const std::optional<double> given = read_number(e.extracted);
  if (!wanted || !given || *wanted == 0 || *given == 0) return std::nullopt;
  if (equal_numbers(*given, -*wanted, kEqual)) return AnswerFinding{AnswerKind::kArithmetic, "the sign is wrong"};
  const double ratio = std::abs(*given / *wanted);
  const double power = std::round(std::log10(ratio));
  if (power != 0 && std::abs(power) <= 3 && std::abs(ratio / std::pow(10.0, power) - 1) < kEqual) {
    return AnswerFinding{AnswerKind::kArithmetic, fmt::format("the point is off by {:g} places", std::abs(power))};
  }
  return std::nullopt;
}

}  // namespace

std::span<const AnswerKindName> answer_kinds() { return kNames; }

std::string_view name_of(AnswerKind kind) { return kNames[static_cast<std::size_t>(kind)].name; }

AnswerFinding answer_kind(const WrongAnswer& answer) {
  if (!answer.response) return {AnswerKind::kReasoning, "another option is more probable"};
  const Evidence evidence = evidence_of(answer);
  for (const auto rule : {refusal, truncation, other_language, format_slip, arithmetic_slip}) {
    if (Finding finding = rule(evidence)) return *std::move(finding);
  }
  return {AnswerKind::kReasoning,
          fmt::format("answers \"{}\", not \"{}\"", shown(evidence.extracted), shown(evidence.gold))};
}

}  // namespace cambium::tasks
