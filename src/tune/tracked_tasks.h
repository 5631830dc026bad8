#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tune/tune_config.h"
#include "tune/tuned_model.h"

namespace cambium {
class Progress;
}

namespace cambium::tune {

/// Task files asked of the weights in memory.
class TrackedTasks {
 public:
  /// @throws RecipeError  an unknown task (with the nearest), or what is wrong with its file or data
  explicit TrackedTasks(const TrackConfig& config);
  ~TrackedTasks();

  /// One metric of a task: "sciq acc".
  struct Value {
    std::string name;
    double value = 0;
    bool higher_is_better = true;
  };
  /// Packs the weights for the engine, asks every task's first documents. Cost: a copy of the weights and the answers.
  [[nodiscard]] std::vector<Value> measure(const TunedModel& model, Progress& progress) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
