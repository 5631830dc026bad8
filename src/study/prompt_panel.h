#pragma once

#include <optional>

#include "report/study_results.h"
#include "study/study_data.h"

namespace cambium::study {

/// Scores of groups that ask the same tasks with other flags (examples in the prompt, say), side by side with their
/// difference.
[[nodiscard]] std::optional<report::Panel> prompt_panel(const StudyData& data);

}  // namespace cambium::study
