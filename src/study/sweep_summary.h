#pragma once

#include <limits>
#include <optional>
#include <string>

#include "report/study_results.h"
#include "study/scores.h"

namespace cambium::study {

/// The point of a sweep that raises `gain` most while `keep` stays within its points, chosen on one half of the
/// samples; its numbers are of the other half.
struct SweepChoice {
  std::string arm, label;                    ///< empty: no point keeps enough, or nothing is measured
  double tuned = 0, target = 0, merged = 0;  ///< `gain`: before, of the target, of the chosen point
  double kept_before = 0, kept = 0;          ///< `keep`
  Scores::Cell gained, kept_change;          ///< differences to before, with intervals
  [[nodiscard]] double regained() const;     ///< share of the lost points; meaningful where target > tuned
};
[[nodiscard]] SweepChoice sweep_choice(const StudyFile& study, const Sweep& sweep, const std::string& base,
                                       const Scores& scores);

/// Curves, front and chosen point of a sweep for one base; nothing if none of its points is measured.
[[nodiscard]] std::optional<report::SweepResult> sweep_result(const StudyFile& study, const Sweep& sweep,
                                                              const std::string& base, const Scores& scores);

}  // namespace cambium::study
