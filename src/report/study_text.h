#pragma once

#include <string>

#include "report/study_results.h"
#include "report/table.h"

namespace cambium::report {

/// What report.html and report.md share: tables and figures of a study.
/// "63.5 [58.1, 68.6]", or a dash where nothing was measured.
[[nodiscard]] std::string score_text(const ScoreCell& cell);
[[nodiscard]] Table group_table(const StudyResults& results);
[[nodiscard]] Table task_table(const StudyResults& results);
[[nodiscard]] Table contrast_table(const StudyResults& results);
[[nodiscard]] Table environment_table(const StudyResults& results);
[[nodiscard]] ForestPlot contrast_plot(const StudyResults& results);

}  // namespace cambium::report
