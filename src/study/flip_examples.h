#pragma once

#include <set>
#include <string>
#include <vector>

#include "report/study_results.h"
#include "study/step_graph.h"
#include "study/study_folder.h"

namespace cambium::study {

/// A few samples of each contrast on which its two models differ, with both answers; lost ones before gained ones.
[[nodiscard]] std::vector<report::FlipExample> flip_examples(const StudyFile& study, const StepGraph& graph,
                                                             const StudyFolder& folder,
                                                             const std::set<std::string>& done);

}  // namespace cambium::study
