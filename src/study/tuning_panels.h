#pragma once

#include <optional>
#include <vector>

#include "report/study_results.h"
#include "study/tuning_records.h"

namespace cambium::study {

/// Sections made of the tuning runs, over all seeds; none where there is nothing to show.
/// Scores over the share of text, where arms differ in it at an equal budget.
[[nodiscard]] std::optional<report::Panel> text_share_panel(const StudyData& data,
                                                            const std::vector<TuningRecord>& records);
/// Points that a modality's tokens bought.
[[nodiscard]] std::optional<report::Panel> transfer_panel(const StudyData& data,
                                                          const std::vector<TuningRecord>& records);
/// What was tracked while models were tuned.
[[nodiscard]] std::optional<report::Panel> forgetting_panel(const std::vector<TuningRecord>& records);
/// Mixtures asked for and realised, and the runs' numbers.
[[nodiscard]] std::optional<report::Panel> mixture_panel(const std::vector<TuningRecord>& records);

}  // namespace cambium::study
