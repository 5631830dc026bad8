#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/content_hash.h"

namespace cambium::study {

/// One command of a study.
struct Step {
  std::string name;                          ///< "llama/s1/tuned/tune"
  std::string kind;                          ///< world, tune, run, eval, measure
  std::vector<std::string> command;          ///< words behind `cambium`; paths relative to the study's folder
  std::vector<std::string> needs;            ///< names of steps
  std::map<std::string, std::string> files;  ///< written before the command runs: configurations and recipes
  std::string output;                        ///< what it makes; empty: its standard output (or rows of results.db)
  bool cached = false;
  checkpoint::ContentHash inputs;  ///< of command, files, versions, and of the inputs of all it needs
};

enum class StepState { kMissing, kChanged, kDone, kFailed, kBlocked };
[[nodiscard]] std::string_view state_name(StepState state);

/// What is known of a step from earlier runs, as steps/NAME/state.json holds it.
struct StepRecord {
  StepState state = StepState::kMissing;
  std::string inputs;  ///< hash of the run that state tells of
  double seconds = 0;
  std::string started;  ///< UTC
  std::string message;  ///< of a failure: the command's last words
  bool from_cache = false;
};

/// Folder of a step below the study's: steps/NAME with what a file name cannot hold replaced.
[[nodiscard]] std::string step_folder(const std::string& name);

}  // namespace cambium::study
