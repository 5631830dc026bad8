#pragma once

#include <optional>
#include <vector>

#include "report/study_results.h"
#include "study/tuning_records.h"

namespace cambium::study {

/// Shift, damage and best point side by side, a row for each sweep and base: which way back suits which dose.
[[nodiscard]] std::optional<report::Panel> dose_panel(const StudyData& data, const std::vector<TuningRecord>& records);

}  // namespace cambium::study
