#pragma once

#include <string>
#include <vector>

#include "study/study_data.h"

namespace cambium::study {

/// What one tuning step of an arm says of itself.
struct TuningRecord {
  std::string base, arm;
  std::int64_t seed = 0;
  bool last = true;  ///< of the arm's steps
  struct Source {
    std::string name;
    double asked = 0, realised = 0;  ///< shares, 0 to 1
    double amount = 0;               ///< tokens (or rows) that were drawn from it
    std::string modality;            ///< "images", "clips" or "sounds"; empty: text alone
  };
  std::vector<Source> sources;
  struct Curve {
    std::string name;
    std::vector<double> x, y;
  };
  std::vector<Curve> curves;
  double steps = 0, tokens = 0, supervised = 0, first_loss = 0, last_loss = 0, seconds = 0;
  double learning_rate = 0;  ///< 0: the default
};

/// Of all tuning steps that are done, in the graph's order.
[[nodiscard]] std::vector<TuningRecord> read_tuning_records(const StudyData& data);

}  // namespace cambium::study
