#pragma once

#include <map>
#include <string>

#include "report/study_results.h"

namespace cambium::report {

/// report.md and the pictures it shows: file name (report.md, figures/NAME.svg, figures/NAME.png) to content.
[[nodiscard]] std::map<std::string, std::string> study_markdown(const StudyResults& results);

}  // namespace cambium::report
