#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/text_table.h"
#include "tasks/scorers/recorded_answers.h"
#include "tasks/scorers/score_summary.h"
#include "tasks/scorers/scorer.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::cli {
namespace {

using tasks::AnswerScore;
using tasks::RecordedAnswer;
using text::jinja::Value;

struct ScoreFlags {
  std::string task;
  tasks::RecordedAnswersOptions answers;
  tasks::ScorerOptions scorer;
  bool json = false;
};

AnswerScore score_of(const RecordedAnswer& answer, const tasks::Scorer& scorer, const tasks::ScorerOptions& options) {
  try {
    return scorer.score(answer.document, answer.response, options);
  } catch (const UsageError&) {
    throw;
  } catch (const Error& error) {
    throw RecipeError(fmt::format("{}: {} '{}': {}", answer.where, answer.id_name,
                                  answer.id.is_string() ? answer.id.as_string() : fmt::format("{}", answer.id.as_int()),
                                  error.what()));
  }
}

void print_rows(const std::vector<RecordedAnswer>& answers, const std::vector<AnswerScore>& scores) {
  std::string out;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Value row = Value::dict();
    row.as_dict().set(answers[i].id_name, answers[i].id);
    for (const auto& [name, value] : scores[i].fields) row.as_dict().set(name, value);
    text::jinja::Budget budget{text::jinja::Limits{}};
    out += text::jinja::to_json(row, {}, budget) + '\n';
  }
  std::cout << out << std::flush;
}

void print_table(const std::vector<AnswerScore>& scores) {
  using Align = TextTable::Align;
  TextTable table(
      {{"metric"}, {"value", Align::kRight}, {"stderr", Align::kRight}, {"95 % interval"}, {"n", Align::kRight}});
  for (const tasks::MetricSummary& metric : tasks::summarise(scores)) {
    table.add_row({metric.name, fmt::format("{:.4f}", metric.mean), fmt::format("{:.4f}", metric.stderr_mean),
                   fmt::format("{:.4f} - {:.4f}", metric.interval.low, metric.interval.high),
                   fmt::format("{}", metric.values)});
  }
  table.print(std::cout);
}

std::string scorer_help() {
  std::string help = "how to score:";
  for (const tasks::Scorer& scorer : tasks::scorers()) help += fmt::format("\n{}: {}", scorer.name, scorer.help);
  return help;
}

}  // namespace

void add_score_command(CLI::App& app) {
  auto options = std::make_shared<ScoreFlags>();
  CLI::App* command = app.add_subcommand("score", "Score recorded answers, without a model");
  command->add_option("task", options->task, scorer_help())->required();
  command
      ->add_option("--responses", options->answers.responses,
                   "the answers: JSON lines (.gz too), or lm-evaluation-harness's samples_*.jsonl")
      ->required();
  command->add_option("--data", options->answers.data,
                      "the questions: JSON lines (.gz too); not needed if each answer has its 'doc'");
  command->add_option("--response-field", options->answers.response_field, "the answers' field with the text");
  command->add_option("--id-field", options->answers.id_field, "the field that rows of both files are matched by");
  command->add_option("--gold-field", options->scorer.gold_field, "the data's field with the right answer");
  command->add_option("--tolerance", options->scorer.tolerance, "largest relative difference of equal numbers")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--seed", options->scorer.seed, "of the language detector that IFEval uses")
      ->capture_default_str();
  command->add_flag("--by-kind", options->scorer.by_kind, "IFEval: also each kind of instruction (strict)");
  command->add_flag("--partial", options->answers.partial, "not every row of the data has an answer");
  command->add_flag("--json", options->json, "print one JSON row a sample instead of the summary");
  command->callback([options] {
    const tasks::Scorer& scorer = tasks::find_scorer(options->task);
    const std::vector<RecordedAnswer> answers = tasks::read_recorded_answers(options->answers);
    std::vector<AnswerScore> scores;
    scores.reserve(answers.size());
    for (const RecordedAnswer& answer : answers) scores.push_back(score_of(answer, scorer, options->scorer));
    if (options->json) {
      print_rows(answers, scores);
    } else {
      print_table(scores);
    }
  });
}

}  // namespace cambium::cli
