#include "study/prompt_panel.h"

#include <fmt/format.h>

#include "report/markup.h"

namespace cambium::study {

std::optional<report::Panel> prompt_panel(const StudyData& data) {
  report::Panel panel{.id = "prompts",
                      .title = "The same questions, asked in other ways",
                      .text =
                          "Groups that ask the same tasks with other settings, examples in the prompt say. Differences "
                          "are on the same documents.",
                      .figures = {},
                      .tables = {}};
  const std::vector<TaskGroup>& groups = data.study.groups;
  for (std::size_t first = 0; first < groups.size(); ++first) {
    for (std::size_t second = first + 1; second < groups.size(); ++second) {
      if (groups[first].tasks != groups[second].tasks) continue;
      report::Table table{.caption = fmt::format("{} against {}, in points", groups[second].title, groups[first].title),
                          .header = {"model", groups[first].title, groups[second].title, "difference"},
                          .rows = {}};
      for (const auto& [base, fields] : data.study.bases) {
        for (const Arm& arm : data.study.arms) {
          if (!arm.sweep.empty() || !takes(arm.bases, base)) continue;
          const Scores::Cell before = data.scores.mean(base, arm.name, groups[first].name, groups[first].tasks);
          const Scores::Cell after = data.scores.mean(base, arm.name, groups[second].name, groups[second].tasks);
          if (before.seeds == 0 || after.seeds == 0) continue;
          const Scores::Cell change = data.scores.difference(base, {arm.name, groups[first].name},
                                                             {arm.name, groups[second].name}, groups[first].tasks);
          table.rows.push_back(
              {fmt::format("{} / {}", base, arm.name), estimate_text(before.estimate), estimate_text(after.estimate),
               fmt::format("{} [{}, {}]", report::signed_text(change.estimate.value),
                           report::signed_text(change.estimate.low), report::signed_text(change.estimate.high))});
        }
      }
      if (!table.rows.empty()) panel.tables.push_back(std::move(table));
    }
  }
  if (panel.tables.empty()) return std::nullopt;
  return panel;
}

}  // namespace cambium::study
