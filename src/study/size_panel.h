#pragma once

#include <optional>

#include "report/study_results.h"
#include "study/study_data.h"

namespace cambium::study {

/// The study's contrasts over the bases' numbers of parameters, where at least three bases differ in size and the
/// largest is at least twice the smallest; none otherwise.
[[nodiscard]] std::optional<report::Panel> size_panel(const StudyData& data);

}  // namespace cambium::study
