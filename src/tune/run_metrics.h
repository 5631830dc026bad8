#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "tune/tune_run.h"

namespace cambium::tune {

/// Where a run's numbers are kept.
struct MetricSinks {
  std::filesystem::path folder;  ///< of metrics.jsonl and the event files
  bool tensorboard = true;
  std::filesystem::path store;  ///< SQLite file; empty: none
};

/// What a store says about the run (docs/store.md).
struct MetricRun {
  std::string output, model;
  std::string config;  ///< text
  std::uint64_t seed = 0;
  std::string version;  ///< of the program
};

/// The numbers of a run as they come: metrics.jsonl, TensorBoard's event files, a store.
class RunMetrics {
 public:
  /// Cuts what an earlier try wrote back to what was known at `kept_step` (-1: nothing is kept).
  /// @throws SystemError  the store cannot be opened, or is of a newer version
  RunMetrics(const MetricSinks& sinks, const MetricRun& run, std::int64_t kept_step);
  ~RunMetrics();

  /// @param more  further numbers of the step: "share NAME"
  void step(const StepReport& step, const std::map<std::string, double>& more);
  /// The last point of a curve.
  void curve(const CurveReport& curve, std::int64_t step);
  /// What was written is handed to the system.
  void flush();
  void finish(std::string_view end, double seconds);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cambium::tune
