#include <map>
#include <utility>

#include "tasks/ifeval/verdict.h"
#include "tasks/scorers/scorer.h"

namespace cambium::tasks {
namespace {

using text::jinja::Value;

Value flag_list(const std::vector<bool>& followed) {
  std::vector<Value> values;
  for (const bool one : followed) values.push_back(Value::boolean(one));
  return Value::list(std::move(values));
}

std::vector<double> numbers_of(const std::vector<bool>& followed) { return {followed.begin(), followed.end()}; }

}  // namespace

AnswerScore score_ifeval(const Value& document, const std::string& response, const ScorerOptions& options) {
  const ifeval::Verdict verdict = ifeval::judge(document, response, {.seed = options.seed});
  AnswerScore score{{{"strict", flag_list(verdict.strict)}, {"loose", flag_list(verdict.loose)}},
                    {{"prompt_level_strict_acc", {verdict.strict_all() ? 1.0 : 0.0}},
                     {"inst_level_strict_acc", numbers_of(verdict.strict)},
                     {"prompt_level_loose_acc", {verdict.loose_all() ? 1.0 : 0.0}},
                     {"inst_level_loose_acc", numbers_of(verdict.loose)}}};
  if (!options.by_kind) return score;
  const std::vector<Value>& kinds = document.as_dict().find("instruction_id_list")->items();
  std::map<std::string, std::vector<double>> strict;
  for (std::size_t i = 0; i < kinds.size(); ++i) strict[kinds[i].as_string()].push_back(verdict.strict[i] ? 1 : 0);
  score.metrics.insert(score.metrics.end(), strict.begin(), strict.end());
  return score;
}

}  // namespace cambium::tasks
