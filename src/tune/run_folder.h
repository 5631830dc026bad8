#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tune/event_file.h"
#include "tune/sample_stream.h"
#include "tune/tune_run.h"
#include "tune/tuned_model.h"

namespace cambium::tune {

/// What lies beside the output while a run lasts: OUTPUT.tuning with checkpoints, metrics and lists.
class RunFolder {
 public:
  /// @param identity  of the configuration: a checkpoint of another one is refused
  /// @throws UsageError  there is a run already and `resume` is not asked for, or the output exists
  RunFolder(const std::filesystem::path& output, const std::string& identity, bool resume);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Numbers of the complete checkpoints, rising.
  [[nodiscard]] std::vector<std::int64_t> checkpoints() const;
  /// Writes a checkpoint in one step (a kill leaves the one before) and removes all but the last `keep`.
  void save(std::int64_t step, const TunedModel& model, const nlohmann::ordered_json& state, std::int64_t keep);
  /// Takes weights and optimizers back. @return the state that was saved with them
  nlohmann::ordered_json restore(std::int64_t step, TunedModel& model) const;
  /// The weights alone, under a name of their own.
  void save_weights(const std::string& name, const TunedModel& model);
  void restore_weights(const std::string& name, TunedModel& model) const;
  /// Cuts metrics.jsonl back to what was known at a step.
  void rewind_metrics(std::int64_t step);

  void log(const StepReport& step, const std::map<std::string, double>& more);
  void log_curve(const CurveReport& curve, std::int64_t step);
  void start_events();
  void list_bad_rows(const std::vector<BadRow>& rows);
  void remove_checkpoints();

 private:
  std::filesystem::path path_;
  std::string identity_;
  std::unique_ptr<EventFile> events_;
};

}  // namespace cambium::tune
