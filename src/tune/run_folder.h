#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tune/sample_stream.h"
#include "tune/tuned_model.h"

namespace cambium::tune {

/// What lies beside the output while a run lasts: OUTPUT.tuning with checkpoints, metrics and lists.
class RunFolder {
 public:
  /// @param identity  of the configuration: a checkpoint of another one is refused
  /// @throws UsageError  there is a run already and `resume` is not asked for, or the output exists and
  /// there is nothing left to do
  RunFolder(const std::filesystem::path& output, const std::string& identity, bool resume);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// The output was written by an earlier try.
  [[nodiscard]] bool complete() const { return complete_; }
  /// Numbers of the complete checkpoints, rising.
  [[nodiscard]] std::vector<std::int64_t> checkpoints() const;
  /// Writes a checkpoint in one step (a kill leaves the one before) and removes all but the last `keep`.
  /// @param averages  of the weights, one for each set of parameters; empty: none are kept
  void save(std::int64_t step, const TunedModel& model, const std::vector<at::Tensor>& averages,
            const nlohmann::ordered_json& state, std::int64_t keep);
  /// Takes weights and optimizers back. @param averages  gets the averages of that step; may be null
  /// @return the state that was saved with them
  nlohmann::ordered_json restore(std::int64_t step, TunedModel& model, std::vector<at::Tensor>* averages) const;
  /// The weights alone, under a name of their own.
  void save_weights(const std::string& name, const TunedModel& model);
  void restore_weights(const std::string& name, TunedModel& model) const;
  void list_bad_rows(const std::vector<BadRow>& rows);
  /// For a run whose output is written: notes that, so that the same run asked to resume has nothing to do, and removes
  /// the checkpoints.
  void finish();

 private:
  [[nodiscard]] bool finished_as_asked() const;

  std::filesystem::path path_;
  std::string identity_;
  bool complete_ = false;
};

}  // namespace cambium::tune
