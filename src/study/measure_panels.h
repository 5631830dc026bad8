#pragma once

#include <optional>
#include <string>

#include "report/study_results.h"
#include "study/study_data.h"

namespace cambium::study {

/// Sections made of measures' `--json` output, of all seeds together; none where nothing of the kind is done.
/// `cambium shift`: layer x role maps and a table of models.
[[nodiscard]] std::optional<report::Panel> shift_panel(const StudyData& data);
/// `cambium heads`: layer x head maps of accuracy and divergence, and the heads that matter most.
[[nodiscard]] std::optional<report::Panel> heads_panel(const StudyData& data);
/// `cambium errors`: how many answers changed, and the kinds of wrong ones before and after.
[[nodiscard]] std::optional<report::Panel> errors_panel(const StudyData& data);

/// Mean |d| of the language tensors of `arm`'s model against `from`'s, as a shift measure of the study has it; one
/// value a seed, none if no measure compares the two.
[[nodiscard]] std::vector<double> shift_of(const StudyData& data, const std::string& base, const std::string& from,
                                           const std::string& arm);

}  // namespace cambium::study
