#pragma once

#include <string>

#include "report/study_results.h"

namespace cambium::report {

/// report.html: one self-contained page.
[[nodiscard]] std::string study_html(const StudyResults& results);

}  // namespace cambium::report
