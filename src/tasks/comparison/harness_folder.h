#pragma once

#include <filesystem>

#include "tasks/comparison/recorded_run.h"

namespace cambium::tasks {

/// Reads the output of an evaluation as lm-evaluation-harness writes it (`--output_path` with `--log_samples`): the
/// samples_TASK*.jsonl below a folder, or one such file; results*.json beside them tell which metrics are better when
/// smaller, the groups and the tasks' metadata. Of several runs of a task into one folder the latest counts.
/// @throws RecipeError  no samples there, samples of several models, or a malformed row (with its line); SystemError
[[nodiscard]] RecordedRun read_harness_folder(const std::filesystem::path& path);

}  // namespace cambium::tasks
