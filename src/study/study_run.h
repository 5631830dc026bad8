#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/step_graph.h"
#include "study/study_folder.h"
#include "tensor/progress.h"

namespace cambium::study {

struct StudyOptions {
  std::filesystem::path program;  ///< the cambium that runs the steps
  std::filesystem::path folder;   ///< of the study
  std::filesystem::path cache;    ///< of steps marked `cache`; empty: none
  std::string only_step;          ///< run this one alone (what it needs must be done)
  std::string only_kind;          ///< run the steps of one kind and what they need; empty: all
  unsigned jobs = 1;              ///< steps at once
};

/// A step with its state, for --dry-run and for the report.
struct PlannedStep {
  const Step* step = nullptr;
  StepState state = StepState::kMissing;
  double seconds = 0;  ///< taken, or estimated for what is not done
  std::string message;
  bool in_cache = false;  ///< not done, but kept from another study
};

/// What is to be done, with times (StepTimes). @param cache  as StudyOptions::cache
[[nodiscard]] std::vector<PlannedStep> plan(const StepGraph& graph, const StudyFolder& folder,
                                            const std::filesystem::path& cache = {});

/// Wall time of what is not done: never less than one step after the other along what they need, nor than all of them
/// shared out to the jobs.
[[nodiscard]] double seconds_left(const std::vector<PlannedStep>& steps, unsigned jobs);

struct StudyRun {
  std::size_t ran = 0, reused = 0, failed = 0, blocked = 0;
  std::vector<PlannedStep> steps;
};

/// Runs what is missing or changed, in order. A step that fails leaves those that do not need it going; what a killed
/// run left half done is done again (a tuning run resumes). Ctrl-C asks the running steps to stop.
/// @throws UsageError  the folder is in use by another run; Interrupted
StudyRun run_steps(const StepGraph& graph, const StudyOptions& options, Progress& progress);

/// Default of StudyOptions::cache: XDG_CACHE_HOME/cambium/studies, else ~/.cache/cambium/studies.
[[nodiscard]] std::filesystem::path default_cache();

/// A command as a shell takes it.
[[nodiscard]] std::string shell_line(const std::vector<std::string>& words);

}  // namespace cambium::study
