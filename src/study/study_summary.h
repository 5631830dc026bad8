#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "report/study_results.h"
#include "study/study_run.h"

namespace cambium::study {

/// All that the report says, from the study's folder as it is: what is missing is listed as such.
/// @param version  of the program; @param command  the line that runs the study
[[nodiscard]] report::StudyResults summarise(const StudyFile& study, const StepGraph& graph, const StudyFolder& folder,
                                             const std::string& version, const std::string& command);

/// Writes report.html, report.md, figures/ and study.json.
void write_report(const report::StudyResults& results, const StudyFile& study, const std::filesystem::path& folder);

}  // namespace cambium::study
