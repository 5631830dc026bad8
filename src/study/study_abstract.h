#pragma once

#include "report/study_results.h"
#include "study/study_file.h"

namespace cambium::study {

/// The report's first words: how many expectations came true, a sentence for each contrast and sweep with its numbers,
/// and what the intervals cover.
void add_abstract(const StudyFile& study, report::StudyResults& results);

}  // namespace cambium::study
