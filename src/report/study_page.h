#pragma once

#include <map>
#include <string>

#include "report/study_results.h"

namespace cambium::report {

/// report.html: one self-contained page.
[[nodiscard]] std::string study_html(const StudyResults& results);

/// report.md and the SVG files it shows: file name (report.md, figures/NAME.svg) to content.
[[nodiscard]] std::map<std::string, std::string> study_markdown(const StudyResults& results);

}  // namespace cambium::report
