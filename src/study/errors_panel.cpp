#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "report/markup.h"
#include "report/stacked_bars.h"
#include "study/measure_panels.h"

namespace cambium::study {
namespace {

using checkpoint::Json;

// Answers of one task, or of all tasks, over the seeds.
struct Counts {
  double samples = 0, both_right = 0, both_wrong = 0, lost = 0, won = 0;
  std::vector<double> p_values;  ///< one a seed
};

// A kind of wrong answer: per cent of all answers before and after, one a seed.
struct Kind {
  std::vector<double> first, second;
};

struct ErrorStudy {
  std::string first, second;                          // arms
  std::vector<std::pair<std::string, Counts>> tasks;  // in the output's order
  std::vector<std::pair<std::string, Kind>> kinds;
};

template <typename Value>
Value& entry(std::vector<std::pair<std::string, Value>>& list, const std::string& name) {
  const auto found = std::ranges::find(list, name, &std::pair<std::string, Value>::first);
  return found != list.end() ? found->second : list.emplace_back(name, Value{}).second;
}

std::string arm_of_run(const StudyData& data, const std::string& run) {
  for (const EvalRun& each : data.graph.evaluations) {
    if (run == each.run_name || run.ends_with(":" + each.run_name)) return each.arm;
  }
  return run;
}

void add_seed(const Json& output, std::size_t seeds_before, ErrorStudy& study) {
  double all = 0;
  std::map<std::string, std::pair<double, double>> kinds;
  for (const Json& task : output.value("tasks", Json::array())) {
    Counts& counts = entry(study.tasks, task.value("task", ""));
    const double n = task.value("n", 0.0);
    all += n;
    counts.samples += n;
    counts.both_right += task.value("both_right", 0.0);
    counts.both_wrong += task.value("both_wrong", 0.0);
    counts.lost += task.value("right_to_wrong", 0.0);
    counts.won += task.value("wrong_to_right", 0.0);
    counts.p_values.push_back(task.value("p_value", 1.0));
    for (const Json& kind : task.value("kinds", Json::array())) {
      auto& [first, second] = kinds[kind.value("kind", "")];
      first += kind.value("a", 0.0);
      second += kind.value("b", 0.0);
    }
  }
  if (all == 0) return;
  for (const auto& [name, counted] : kinds) entry(study.kinds, name);
  for (auto& [name, kind] : study.kinds) {
    // A kind that no answer of an earlier seed was of.
    kind.first.resize(seeds_before);
    kind.second.resize(seeds_before);
    const auto found = kinds.find(name);
    kind.first.push_back(found == kinds.end() ? 0 : 100 * found->second.first / all);
    kind.second.push_back(found == kinds.end() ? 0 : 100 * found->second.second / all);
  }
}

void add_figure(const std::string& title, const ErrorStudy& study, report::Panel& panel) {
  report::StackedBars bars{.title = title,
                           .description = "Wrong answers of both models, sorted by fixed rules.",
                           .unit = "% of all answers",
                           .parts = {},
                           .bars = {study.first, study.second},
                           .values = {},
                           .asked = {}};
  for (const auto& [name, kind] : study.kinds) bars.parts.push_back(name);
  for (const auto& [name, kind] : study.kinds) bars.values.push_back(estimate_of_seeds(kind.first).value);
  for (const auto& [name, kind] : study.kinds) bars.values.push_back(estimate_of_seeds(kind.second).value);
  panel.figures.push_back({.svg = stacked_bars_svg(bars),
                           .title = title,
                           .caption = title + ": wrong answers by kind, in per cent of all answers; what is missing to "
                                              "100 is right."});
}

void add_tables(const std::string& title, const ErrorStudy& study, report::Panel& panel) {
  report::Table kinds{.caption = title + ": kinds of wrong answers, in % of all answers",
                      .header = {"kind", study.first, study.second, "change"},
                      .rows = {}};
  for (const auto& [name, kind] : study.kinds) {
    std::vector<double> changes;
    for (std::size_t i = 0; i < kind.first.size(); ++i) changes.push_back(kind.second[i] - kind.first[i]);
    kinds.rows.push_back({name, report::number_text(estimate_of_seeds(kind.first).value),
                          report::number_text(estimate_of_seeds(kind.second).value),
                          estimate_text(estimate_of_seeds(changes))});
  }
  const bool one_seed =
      std::ranges::all_of(study.tasks, [](const auto& each) { return each.second.p_values.size() == 1; });
  report::Table flips{.caption = title + ": answers that changed",
                      .header = {"task", "n", "both right", "both wrong", "right, then wrong", "wrong, then right"},
                      .rows = {}};
  if (one_seed) flips.header.emplace_back("p (McNemar)");
  for (const auto& [name, counts] : study.tasks) {
    std::vector<std::string> row{name};
    for (const double count : {counts.samples, counts.both_right, counts.both_wrong, counts.lost, counts.won})
      row.push_back(fmt::format("{:.0f}", count));
    if (one_seed) row.push_back(report::p_value_text(counts.p_values.front()));
    flips.rows.push_back(std::move(row));
  }
  panel.tables.push_back(std::move(kinds));
  panel.tables.push_back(std::move(flips));
}

}  // namespace

std::optional<report::Panel> errors_panel(const StudyData& data) {
  report::Panel panel{.id = "errors",
                      .title = "What kind of answers change",
                      .text =
                          "Every wrong answer of both models is sorted by fixed rules; samples of all seeds together. "
                          "Intervals of changes are over seeds where there are three or more.",
                      .figures = {},
                      .tables = {}};
  for (const Measure& measure : data.study.measures) {
    if (measure.kind != "errors") continue;
    for (const auto& [base, fields] : data.study.bases) {
      ErrorStudy study;
      std::size_t seeds = 0;
      for (const StudyData::Output& output : data.outputs(measure, base)) {
        study.first = arm_of_run(data, output.json.value("a", "first"));
        study.second = arm_of_run(data, output.json.value("b", "second"));
        add_seed(output.json, seeds++, study);
      }
      if (seeds == 0 || study.tasks.empty()) continue;
      const std::string title = fmt::format("{} ({})", measure.title, base);
      if (!study.kinds.empty()) add_figure(title, study, panel);
      add_tables(title, study, panel);
    }
  }
  if (panel.tables.empty()) return std::nullopt;
  return panel;
}

}  // namespace cambium::study
