#include "study/dose_panel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/markup.h"
#include "report/scatter_plot.h"
#include "study/measure_panels.h"
#include "study/sweep_summary.h"

namespace cambium::study {
namespace {

std::string change_text(const Scores::Cell& cell) {
  return fmt::format("{} [{}, {}]", report::signed_text(cell.estimate.value), report::signed_text(cell.estimate.low),
                     report::signed_text(cell.estimate.high));
}

std::string rate_text(const std::vector<TuningRecord>& records, const std::string& base, const std::string& arm) {
  for (const TuningRecord& record : records) {
    if (record.base == base && record.arm == arm && record.last && record.learning_rate > 0)
      return report::number_text(record.learning_rate);
  }
  return "\xe2\x80\x93";
}

}  // namespace

std::optional<report::Panel> dose_panel(const StudyData& data, const std::vector<TuningRecord>& records) {
  report::Table table{
      .caption = "Points and shares are of the half of the samples that did not choose",
      .header = {"sweep", "base", "tuned", "learning rate", "mean |d| x 1000", "damage", "chosen", "regained", "kept"},
      .rows = {}};
  report::ScatterPlot plot{.title = "Damage over the shift",
                           .description = "Each point is a tuned model: what it lost over how far its weights moved.",
                           .x_name = "mean |d| from the base, thousandths",
                           .y_name = "points lost",
                           .groups = {},
                           .candidates = {}};
  for (const Sweep& sweep : data.study.sweeps) {
    const TaskGroup& gain = data.study.group(sweep.gain);
    for (const auto& [base, fields] : data.study.bases) {
      const Scores::Cell damage = data.scores.difference(base, sweep.target, sweep.reference, gain.name, gain.tasks);
      const SweepChoice choice = sweep_choice(data.study, sweep, base, data.scores);
      const bool swept = std::ranges::any_of(
          sweep.arms, [&](const std::string& point) { return takes(data.study.arm(point).bases, base); });
      if (damage.seeds == 0 || !swept) continue;
      std::vector<double> shift = shift_of(data, base, sweep.target, sweep.reference);
      for (double& value : shift) value *= 1000;
      const bool lost = choice.target - choice.tuned > 0;
      table.rows.push_back(
          {sweep.title, base, sweep.reference, rate_text(records, base, sweep.reference),
           shift.empty() ? "\xe2\x80\x93" : estimate_text(estimate_of_seeds(shift)), change_text(damage),
           choice.arm.empty() ? "none" : choice.label,
           choice.arm.empty() || !lost ? "\xe2\x80\x93" : fmt::format("{:.0f} %", 100 * choice.regained()),
           choice.arm.empty() ? "\xe2\x80\x93" : change_text(choice.kept_change)});
      if (shift.empty()) continue;
      const auto group = std::ranges::find(plot.groups, base) - plot.groups.begin();
      if (group == std::ssize(plot.groups)) plot.groups.push_back(base);
      const std::string name = fmt::format("{}{}{}", sweep.reference, choice.arm.empty() ? "" : ": ", choice.label);
      const bool known = std::ranges::any_of(plot.candidates, [&](const report::Candidate& each) {
        return each.group == static_cast<std::size_t>(group) && each.name.starts_with(sweep.reference + ":");
      });
      if (!known) {
        plot.candidates.push_back({.name = name,
                                   .x = estimate_of_seeds(shift).value,
                                   .y = -damage.estimate.value,
                                   .group = static_cast<std::size_t>(group)});
      }
    }
  }
  if (table.rows.empty()) return std::nullopt;
  report::Panel panel{.id = "doses",
                      .title = "Which way back for which damage",
                      .text =
                          "Damage: points lost from the base to the tuned model. Chosen: the point of the sweep that "
                          "keeps enough and regains most. Could the shift of the weights alone have told?",
                      .figures = {},
                      .tables = {}};
  if (plot.candidates.size() >= 3) {
    panel.figures.push_back({.svg = scatter_plot_svg(plot),
                             .title = plot.title,
                             .caption = "Points lost over the mean absolute shift; names tell the tuned model and the "
                                        "point that its sweep chose."});
  }
  panel.tables.push_back(std::move(table));
  return panel;
}

}  // namespace cambium::study
