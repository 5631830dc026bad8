#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "study/step_graph.h"
#include "study/study_folder.h"

namespace cambium::study {

/// How long steps will take. What a step has to do is counted (tokens x parameters of a tuning run, tasks of an
/// evaluation), and the seconds that it costs are learned from the steps of the same kind that are done in the folder;
/// without any, from what a core of a common machine needed. Wall time: work beside it counts.
class StepTimes {
 public:
  StepTimes(const StepGraph& graph, const StudyFolder& folder);
  [[nodiscard]] double seconds(const Step& step) const;

 private:
  struct Work {
    std::string like;  ///< steps of the same text cost alike; empty: only the kind tells
    double amount = 1;
  };
  [[nodiscard]] Work work(const Step& step) const;
  /// Parameters of the model at a path or of a recipe's first model; 0: not known.
  [[nodiscard]] double parameters(const std::string& model, const Step& step, int depth = 0) const;
  [[nodiscard]] double parameters_or_usual(const std::string& model, const Step& step) const;

  const StepGraph& graph_;
  std::filesystem::path folder_;
  std::map<std::string, const Step*> makers_;  ///< by output
  mutable std::map<std::string, double> known_;
  double usual_ = 0;  ///< parameters of a model that is not there yet
  struct Seen {
    double seconds = 0, amount = 0;
  };
  std::map<std::string, Seen> seen_;  ///< by kind, and by kind and likeness
};

}  // namespace cambium::study
