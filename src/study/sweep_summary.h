#pragma once

#include <optional>
#include <string>

#include "report/study_results.h"
#include "study/scores.h"
#include "study/study_file.h"

namespace cambium::study {

/// Curves over the grid's first numeric key (one for each combination of the others), the front of both groups, and the
/// choice: the point that gains most on the even documents among those that keep within `within` points, with its
/// numbers on the odd ones. Nothing if no point was measured.
[[nodiscard]] std::optional<report::SweepResult> sweep_result(const StudyFile& study, const Sweep& sweep,
                                                              const std::string& base, const Scores& scores);

}  // namespace cambium::study
