#pragma once

#include <vector>

#include "report/study_results.h"
#include "study/study_data.h"

namespace cambium::study {

/// Samples that one model of a contrast has right and the other wrong, under the first seed: a few of each contrast, of
/// different tasks, with small pictures.
[[nodiscard]] std::vector<report::FlipExample> flip_examples(const StudyData& data);

}  // namespace cambium::study
