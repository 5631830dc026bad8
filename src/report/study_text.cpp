#include "report/study_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/markup.h"

namespace cambium::report {
std::string score_text(const ScoreCell& cell) {
  if (cell.seeds == 0) return "\xe2\x80\x93";
  return fmt::format("{:.1f} [{:.1f}, {:.1f}]", cell.value, cell.low, cell.high);
}

Table group_table(const StudyResults& results) {
  Table table{.caption = "Scores in points, mean of the tasks of each group, with 95 % intervals",
              .header = {"model"},
              .rows = {}};
  table.header.insert(table.header.end(), results.groups.begin(), results.groups.end());
  table.header.emplace_back("seeds");
  for (const ScoreRow& row : results.scores) {
    std::vector<std::string> cells{fmt::format("{} / {}", row.base, row.arm)};
    std::size_t seeds = 0;
    for (const ScoreCell& cell : row.groups) {
      cells.push_back(score_text(cell));
      seeds = std::max(seeds, cell.seeds);
    }
    cells.push_back(fmt::format("{}", seeds));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table task_table(const StudyResults& results) {
  Table table{.caption = "Each task by itself", .header = {"model"}, .rows = {}};
  std::map<std::string, int> times;
  for (const auto& [task, group] : results.tasks) ++times[task];
  for (const auto& [task, group] : results.tasks)
    table.header.push_back(times[task] > 1 ? fmt::format("{} ({})", task, results.groups[group]) : task);
  for (const ScoreRow& row : results.scores) {
    std::vector<std::string> cells{fmt::format("{} / {}", row.base, row.arm)};
    for (const ScoreCell& cell : row.tasks)
      cells.push_back(cell.seeds == 0 ? "\xe2\x80\x93" : fmt::format("{:.1f}", cell.value));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

Table contrast_table(const StudyResults& results) {
  Table table{
      .caption = "Differences in points (second minus first); p corrected for all contrasts (Holm)",
      .header = {"contrast", "base", "difference", "95 % interval", "p", "expected", "seen", "samples", "seeds"},
      .rows = {}};
  for (const ContrastResult& each : results.contrasts) {
    const int expected = each.plot.expected;
    table.rows.push_back({each.plot.name, each.base, signed_text(each.plot.estimate),
                          fmt::format("[{}, {}]", signed_text(each.plot.low), signed_text(each.plot.high)),
                          p_value_text(each.adjusted_p),
                          expected > 0   ? "higher"
                          : expected < 0 ? "lower"
                                         : "open",
                          each.verdict, fmt::format("{}", each.samples), fmt::format("{}", each.seeds)});
  }
  return table;
}

Table environment_table(const StudyResults& results) {
  Table table{.caption = "Where and with what this was measured", .header = {"", ""}, .rows = {}};
  for (const auto& [name, value] : results.environment) table.rows.push_back({name, value});
  return table;
}

Figure contrast_figure(const StudyResults& results) {
  ForestPlot plot{
      .title = "Contrasts: expected against seen",
      .description = "One row for each contrast: the difference in points with its 95 % interval, about a line at 0.",
      .x_name = "difference in points",
      .contrasts = {}};
  for (const ContrastResult& each : results.contrasts) {
    Contrast row = each.plot;
    row.heading = row.name;
    row.name = each.base;
    row.note = each.verdict;
    plot.contrasts.push_back(std::move(row));
  }
  return {.svg = forest_plot_svg(plot),
          .title = plot.title,
          .caption =
              "Differences in points, second model minus first, with 95 % intervals. The arrow shows the expected "
              "direction; green lies wholly on the expected side, red on the other, blue where nothing was "
              "expected; grey intervals hold 0."};
}

std::string reproduce_sentence(const StudyResults& results) {
  std::string sentence =
      "The first line runs what is missing of the whole study and writes this report; the others run in the study's "
      "folder, where the stored answers are.";
  if (results.seeds > 1)
    sentence += " Commands are shown for the first seed; those of the others differ in the seed alone.";
  return sentence + " HERE stands for the folder of the study file.";
}

std::string step_text(const StepRow& step) {
  return fmt::format("# {} ({}, {:.1f} s)\n{}\n", step.name, step.state, step.seconds, step.command);
}

}  // namespace cambium::report
