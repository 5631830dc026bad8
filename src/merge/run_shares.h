#pragma once

#include <filesystem>
#include <vector>

#include "merge/merge_run.h"

namespace cambium::merge {

/// The shares (`--shard I/N`) of an output, all N of them, as the journals in its working folder tell; empty if none
/// has begun.
/// @throws CheckpointError  journals of different N lie there
[[nodiscard]] std::vector<RunShare> shares_in(const std::filesystem::path& working_folder);

}  // namespace cambium::merge
