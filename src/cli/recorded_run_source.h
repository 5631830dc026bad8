#pragma once

#include <string>
#include <utility>

#include "tasks/comparison/recorded_run.h"

namespace cambium::cli {

/// What RUN may be on the command line, for help texts.
inline constexpr const char* kRunHelp =
    "a run: a store's file (its only run), FILE:NAME or FILE:NUMBER, NAME with --store, or an output folder of eval or "
    "of "
    "lm-evaluation-harness";

/// Opens a run. @param store  where plain names are looked for; may be empty
/// @throws UsageError  nothing of that name; what reading it throws
[[nodiscard]] tasks::RecordedRun open_recorded_run(const std::string& run, const std::string& store);

/// Both runs of a comparison; labels that are equal are told apart by what was given.
[[nodiscard]] std::pair<tasks::RecordedRun, tasks::RecordedRun> open_recorded_runs(const std::string& first,
                                                                                   const std::string& second,
                                                                                   const std::string& store);

}  // namespace cambium::cli
