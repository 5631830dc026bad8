#include "tasks/exact_match.h"
#include "tasks/scorers/gold_answer.h"
#include "tasks/scorers/scorer.h"
#include "text/jinja_unicode.h"
#include "text/python_regex.h"

namespace cambium::tasks {
namespace {

using text::PythonRegex;
using text::jinja::Value;

// The group that took part, of the first or last match; lm-evaluation-harness's word for none.
std::string taken(const PythonRegex& pattern, std::string_view response, bool last) {
  const std::vector<PythonRegex::Match> matches = pattern.find_all(response);
  if (matches.empty()) return "[invalid]";
  const PythonRegex::Match& match = last ? matches.back() : matches.front();
  for (std::size_t group = 1; group < match.groups.size(); ++group) {
    const std::string_view text = match.group(response, group);
    if (!text.empty()) return std::string(text::jinja::strip(text));
  }
  return "[invalid]";
}

const ExactMatch& comparison() {
  static const ExactMatch kComparison(
      Value::dict({{"ignore_case", Value::boolean(true)},
                   {"regexes_to_ignore", Value::list({Value::string(","), Value::string(R"(\$)"),
                                                      Value::string("(?s).*#### "), Value::string(R"(\.$)")})}}));
  return kComparison;
}

}  // namespace

// As the task gsm8k of lm-evaluation-harness 0.4.13 filters and compares.
AnswerScore score_gsm8k(const Value& document, const std::string& response, const ScorerOptions& options) {
  static const PythonRegex kStrict(R"(#### (\-?[0-9\.\,]+))");
  static const PythonRegex kFlexible(R"((-?[$0-9.,]{2,})|(-?[0-9]+))");
  constexpr std::string_view kGoldFields[] = {"answer", "gold", "target"};
  const std::string gold = gold_texts(gold_value(document, options.gold_field, kGoldFields)).front();
  const std::string strict = taken(kStrict, response, false);
  const std::string flexible = taken(kFlexible, response, true);
  const bool strictly = comparison()(strict, gold);
  const bool flexibly = comparison()(flexible, gold);
  return {
      {{"extracted", Value::string(flexible)},
       {"correct", Value::boolean(flexibly)},
       {"strict_extracted", Value::string(strict)},
       {"strict_correct", Value::boolean(strictly)}},
      {{"exact_match,flexible-extract", {flexibly ? 1.0 : 0.0}}, {"exact_match,strict-match", {strictly ? 1.0 : 0.0}}}};
}

}  // namespace cambium::tasks
