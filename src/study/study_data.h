#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "checkpoint/json.h"
#include "study/scores.h"
#include "study/study_folder.h"

namespace cambium::study {

/// What the sections of a report are made from: the study, what its folder holds, and which steps are done.
struct StudyData {
  const StudyFile& study;
  const StepGraph& graph;
  const StudyFolder& folder;
  const std::set<std::string>& done;
  const Scores& scores;

  /// The arm whose model a command named by this path; the path's last part if it is nobody's.
  [[nodiscard]] std::string arm_of(const std::string& path, const std::string& base, std::int64_t seed) const;
  /// Null if the arm is not of this base.
  [[nodiscard]] const ArmModel* model_of(const std::string& arm, const std::string& base, std::int64_t seed) const;

  struct Output {
    std::int64_t seed = 0;
    checkpoint::Json json;
  };
  /// What a measure printed, for each seed of which it is done.
  [[nodiscard]] std::vector<Output> outputs(const Measure& measure, const std::string& base) const;
};

[[nodiscard]] bool takes(const std::vector<std::string>& names, const std::string& name);

/// Mean over seeds, with its 95 % interval where there are three or more (else both bounds are not-a-number).
[[nodiscard]] Estimate estimate_of_seeds(const std::vector<double>& values);
/// "1.23 [1.1, 1.4]", or the number alone.
[[nodiscard]] std::string estimate_text(const Estimate& estimate, int digits = 3);

}  // namespace cambium::study
