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
[[nodiscard]] Figure contrast_figure(const StudyResults& results);
/// How the commands of the last section are to be read.
[[nodiscard]] std::string reproduce_sentence(const StudyResults& results);
/// A comment with the step's name and time, and its command.
[[nodiscard]] std::string step_text(const StepRow& step);

}  // namespace cambium::report
