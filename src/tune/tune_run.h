#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cambium {
class Progress;
}

namespace cambium::tune {

/// One step of a run, as it is told and logged.
struct StepReport {
  std::int64_t step = 0;     ///< 1 is the first
  double progress = 0;       ///< share of the run that is done behind it
  double loss = 0;           ///< mean over the step's learned tokens
  double gradient_norm = 0;  ///< before clipping
  double learning_rate = 0;
  std::int64_t tokens = 0, supervised = 0;  ///< of this step
  double seconds = 0;
  bool skipped = false;  ///< not finite: nothing was changed
};

/// What one source gave.
struct SourceReport {
  std::string name;
  std::uint64_t rows = 0, bad = 0;
  double available = 0;            ///< in the mixture's unit, once through
  double asked = 0, realised = 0;  ///< share of the run
  double amount = 0;               ///< in the mixture's unit
};

/// One followed number over the run: a task's metric or a text's perplexity.
struct CurveReport {
  std::string name;
  bool higher_is_better = true;
  std::vector<std::pair<std::int64_t, double>> points;  ///< tokens, value
  /// Largest relative loss against the first point; 0 where nothing was lost.
  [[nodiscard]] double forgetting() const {
    double largest = 0;
    for (const auto& point : points) {
      const double first = points.front().second;
      const double lost = higher_is_better ? first - point.second : point.second - first;
      largest = std::max(largest, first == 0 ? lost : lost / std::abs(first));
    }
    return largest;
  }
};

struct TuneReport {
  std::string output, run_folder;
  std::string end =
      "done";  ///< "done", "forgetting" (the limit was reached), "dry run", "done before" (nothing was left to resume)
  std::int64_t steps = 0, tokens = 0, supervised = 0;
  std::int64_t trained_parameters = 0, parameters = 0;
  double seconds = 0, first_loss = 0, last_loss = 0;
  std::string unit;
  double total = 0;  ///< in that unit
  std::int64_t expected_steps = 0;
  double memory_bytes = 0;      ///< estimate: weights, gradients, states, activations
  double expected_seconds = 0;  ///< dry run: from three steps
  std::vector<SourceReport> sources;
  std::vector<CurveReport> curves;
  std::vector<std::string> notes;
  std::string bad_rows_file;
};

struct TuneOptions {
  std::string config;                                    ///< file
  std::vector<std::pair<std::string, std::string>> set;  ///< overrides: path, value
  std::string store;                                     ///< SQLite file that gets the run's numbers too; empty: none
  std::string version;                                   ///< of the program
  bool resume = false;
  bool dry_run = false;
  Progress* progress = nullptr;                        ///< may be null
  std::function<void(const StepReport&)> step_done;    ///< may be empty
  std::function<void(const CurveReport&)> curve_grew;  ///< may be empty
};

/// Runs a configuration: OUTPUT becomes a Hugging Face folder, OUTPUT.tuning holds checkpoints, metrics.jsonl,
/// TensorBoard events and the list of rows that were passed over.
/// @throws UsageError, RecipeError  a configuration, data or model that do not fit, before training begins
/// @throws Interrupted  the user asked to stop; a checkpoint is written, `resume` goes on from it
void run(const TuneOptions& options, TuneReport& report);

}  // namespace cambium::tune

extern "C" void cambium_tune(const cambium::tune::TuneOptions& options, cambium::tune::TuneReport& report);
