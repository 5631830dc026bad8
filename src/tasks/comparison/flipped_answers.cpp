#include "tasks/comparison/flipped_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "tasks/statistics/paired_comparison.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

constexpr std::size_t kLongestQuestion = 2'000;  // bytes

struct MetricName {
  std::string metric, filter;
};

std::optional<bool> right(const RecordedSample& sample, const MetricName& name) {
  const RecordedScore* score = sample.score(name.metric, name.filter);
  if (score == nullptr) return std::nullopt;
  const Value& value = score->value;
  if (!value.is_number() && !value.is(jinja::Type::kBool)) return std::nullopt;
  const double number = jinja::to_double(value);
  if (number != 0 && number != 1) return std::nullopt;
  return number == 1;
}

// The metric to go by: every sample of both runs must be right or wrong in it.
std::optional<MetricName> metric_of(const SamplePairs& pairs, const FlippedAnswersOptions& options) {
  std::optional<MetricName> chosen;
  for (const RecordedScore& score : pairs.pairs.front().first->scores) {
    if (!options.metric.empty() && score.metric != options.metric) continue;
    if (!options.filter.empty() && score.filter != options.filter) continue;
    if (chosen && score.metric != chosen->metric) break;
    const MetricName name{score.metric, score.filter};
    const bool fits = std::ranges::all_of(pairs.pairs, [&](const auto& pair) {
      return right(*pair.first, name).has_value() && right(*pair.second, name).has_value();
    });
    if (!fits) continue;
    if (!chosen || name.metric == "exact_match") chosen = name;
  }
  return chosen;
}

// The question as it stands behind the examples: what the first prompt has after its last blank line is too little for
// questions of several paragraphs, so what prompts of the task share from the start is cut off instead.
std::size_t shared_start(const SamplePairs& pairs) {
  const std::string* first = nullptr;
  std::size_t shared = 0;
  for (const auto& [sample, other] : pairs.pairs) {
    if (sample->answers.empty()) return 0;
    const std::string& prompt = sample->answers.front().prompt;
    if (first == nullptr) {
      first = &prompt;
      shared = prompt.size();
      continue;
    }
    shared = std::min(shared, prompt.size());
    shared = static_cast<std::size_t>(
        std::mismatch(first->begin(), first->begin() + static_cast<std::ptrdiff_t>(shared), prompt.begin()).first -
        first->begin());
  }
  if (first == nullptr || pairs.pairs.size() < 2) return 0;
  // Back to the start of a line, so that "Question:" stays.
  const std::size_t line = shared == 0 ? std::string::npos : first->rfind('\n', shared - 1);
  return line == std::string::npos ? 0 : line + 1;
}

std::string question_of(const RecordedSample& sample, std::size_t start) {
  if (sample.document.is_dict()) {
    for (const char* field : {"question", "Question", "prompt", "input", "query"}) {
      const Value* value = sample.document.as_dict().find(field);
      if (value != nullptr && value->is_string() && !value->as_string().empty()) return value->as_string();
    }
  }
  if (sample.answers.empty()) return {};
  const std::string& prompt = sample.answers.front().prompt;
  std::string question = prompt.substr(std::min(start, prompt.size()));
  if (question.size() > kLongestQuestion) {
    std::size_t from = question.size() - kLongestQuestion;
    while (from < question.size() && (static_cast<unsigned char>(question[from]) & 0xC0U) == 0x80U) ++from;
    question = question.substr(from);
  }
  return question;
}

// The right option's text where the target is its number.
std::string target_of(const RecordedSample& sample) {
  if (!sample.is_choice() || sample.target.empty() ||
      !std::ranges::all_of(sample.target, [](char c) { return c >= '0' && c <= '9'; }) || sample.target.size() > 4) {
    return sample.target;
  }
  const std::size_t number = std::stoul(sample.target);
  if (number >= sample.answers.size()) return sample.target;
  const std::string& option = sample.answers[number].continuation;
  const std::size_t begin = option.find_first_not_of(" \n");
  return begin == std::string::npos ? sample.target : option.substr(begin);
}

std::string extracted(const RecordedSample& sample, const std::string& filter) {
  const auto found = sample.filtered.find(filter);
  return found == sample.filtered.end() || sample.is_choice() ? std::string() : found->second;
}

class FlipFinder {
 public:
  FlipFinder(const RecordedTask& first, const RecordedTask& second, const SamplePairs& pairs, const MetricName& name)
      : first_(first), second_(second), pairs_(pairs), name_(name) {}

  TaskFlips run() {
    flips_.task = first_.name;
    flips_.metric = name_.metric;
    flips_.filter = name_.filter;
    flips_.n = pairs_.pairs.size();
    const std::size_t start = shared_start(pairs_);
    for (const auto& [first, second] : pairs_.pairs) add(*first, *second, start);
    flips_.p_value = mcnemar_exact(flips_.lost, flips_.won);
    count_kinds();
    std::ranges::stable_sort(flips_.flips, {}, [](const FlippedAnswer& flip) { return flip.won; });
    return std::move(flips_);
  }

 private:
  using Kinds = std::array<std::uint64_t, 3>;  // wrong in this way under the first only, the second only, both

  AnswerFinding finding(const RecordedTask& task, const RecordedSample& sample, std::size_t start) const {
    const std::string question = question_of(sample, start);
    const std::string gold = target_of(sample);
    const std::string taken = extracted(sample, name_.filter);
    WrongAnswer wrong;
    wrong.question = question;
    wrong.gold = gold;
    if (!sample.is_choice() && !sample.answers.empty()) {
      wrong.response = sample.answers.front().text;
      if (!taken.empty()) wrong.extracted = taken;
      const std::size_t tokens = sample.answers.front().tokens;
      if (tokens > 0 && task.max_new_tokens > 0)
        wrong.finish_reason = tokens >= task.max_new_tokens ? "length" : "stop";
    }
    return answer_kind(wrong);
  }

  void add(const RecordedSample& first, const RecordedSample& second, std::size_t start) {
    const bool was = *right(first, name_);
    const bool is = *right(second, name_);
    const AnswerFinding before = was ? AnswerFinding{} : finding(first_, first, start);
    const AnswerFinding after = is ? AnswerFinding{} : finding(second_, second, start);
    for (const AnswerKindName& kind : answer_kinds()) {
      const bool a = !was && before.kind == kind.kind;
      const bool b = !is && after.kind == kind.kind;
      Kinds& counts = kinds_[kind.kind];
      if (a && b) ++counts[2];
      if (a && !b) ++counts[0];
      if (b && !a) ++counts[1];
    }
    if (was && is) ++flips_.both_right;
    if (!was && !is) ++flips_.both_wrong;
    if (was == is) return;
    ++(is ? flips_.won : flips_.lost);
    flips_.flips.push_back({.document = first.number,
                            .won = is,
                            .question = question_of(first, start),
                            .target = target_of(first),
                            .first_answer = first.shown_answer(),
                            .second_answer = second.shown_answer(),
                            .first_extracted = extracted(first, name_.filter),
                            .second_extracted = extracted(second, name_.filter),
                            .finding = is ? before : after});
  }

  void count_kinds() {
    std::vector<double> p_values;
    for (const AnswerKindName& kind : answer_kinds()) {
      const Kinds& counts = kinds_[kind.kind];
      if (counts[0] + counts[1] + counts[2] == 0) continue;
      flips_.kinds.push_back({.kind = kind.kind,
                              .first = counts[0] + counts[2],
                              .second = counts[1] + counts[2],
                              .p_value = mcnemar_exact(counts[0], counts[1])});
      p_values.push_back(flips_.kinds.back().p_value);
    }
    const std::vector<double> corrected = holm_correction(p_values);
    for (std::size_t i = 0; i < flips_.kinds.size(); ++i) flips_.kinds[i].p_holm = corrected[i];
  }

  const RecordedTask& first_;
  const RecordedTask& second_;
  const SamplePairs& pairs_;
  const MetricName& name_;
  TaskFlips flips_;
  std::map<AnswerKind, Kinds> kinds_;
};

}  // namespace

FlippedAnswers flipped_answers(const RecordedRun& first, const RecordedRun& second,
                               const FlippedAnswersOptions& options) {
  FlippedAnswers result;
  result.first = first.label;
  result.second = second.label;
  for (const auto& [one, other] : pair_tasks(first, second, options.tasks, options.pairing)) {
    const SamplePairs pairs = pair_samples(*one, *other, options.pairing);
    if (pairs.only_first + pairs.only_second > 0) {
      result.notes.push_back(
          fmt::format("{}: left out {} samples of the first run and {} of the second that the other lacks", one->name,
                      pairs.only_first, pairs.only_second));
    }
    const std::optional<MetricName> name = metric_of(pairs, options);
    if (!name) {
      result.notes.push_back(fmt::format("{}: left out: no {} that is right or wrong for each sample", one->name,
                                         options.metric.empty() ? "metric" : "'" + options.metric + "'"));
      continue;
    }
    result.tasks.push_back(FlipFinder(*one, *other, pairs, *name).run());
  }
  if (result.tasks.empty()) {
    throw UsageError(fmt::format("no task of '{}' and '{}' has {} that is right or wrong for each sample", first.label,
                                 second.label, options.metric.empty() ? "a metric" : "'" + options.metric + "'"));
  }
  return result;
}

}  // namespace cambium::tasks
