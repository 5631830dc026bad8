#pragma once

#include <set>
#include <string>

#include "report/study_results.h"
#include "study/step_graph.h"
#include "study/study_folder.h"

namespace cambium::study {

/// What the tuning steps told (`cambium tune --json`): realised mixtures as bars, and the curves they followed while
/// tuning (of the first seed), one chart a curve and base. Steps taken from the cache have told nothing here.
void add_tuning_records(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                        const std::set<std::string>& done, report::StudyResults& results);

}  // namespace cambium::study
