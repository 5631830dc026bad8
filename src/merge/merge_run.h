#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "merge/merge_plan.h"
#include "merge/recipe.h"
#include "merge/source_pool.h"

namespace cambium {
class Progress;
}

namespace cambium::merge {

/// One of several processes that fill one output together (`--shard 2/8`).
struct RunShare {
  std::size_t part = 1;  ///< from 1
  std::size_t parts = 1;
};

struct RunOptions {
  std::filesystem::path out;
  unsigned threads = 0;  ///< 0: all CPUs
  std::size_t memory_bytes = std::size_t{256} << 20;
  std::uint64_t shard_bytes = 5'000'000'000;
  bool resume = false;
  std::optional<RunShare> share;
  bool finish_shares = false;  ///< write the index and small files after all shares are done
  std::string version;         ///< of the program, for provenance
  Progress* progress = nullptr;
};

/// What a run did for one output.
struct RunSummary {
  std::filesystem::path folder;
  std::size_t tensors = 0;
  std::size_t carried = 0;  ///< of them: copied from one model
  std::size_t resumed = 0;  ///< of them: done by an earlier run
  std::uint64_t input_bytes = 0;
  std::uint64_t output_bytes = 0;
  bool complete = false;      ///< false after one share of several
  bool was_complete = false;  ///< nothing to do: an earlier run had finished
  std::vector<std::string> notes;
};

/// Folder of a planned output: `out`, or a folder of its name below where several come out.
[[nodiscard]] std::filesystem::path output_folder(const MergePlan& plan, const std::filesystem::path& out);

/// Merges one planned output into its folder, tensor by tensor with bounded memory. Killed at any moment, it goes on
/// with `resume` and gives the same bytes.
///
/// @throws SystemError      the folder exists, is left unfinished (and no resume), cannot be written, disk full
/// @throws CheckpointError  resume after recipe, options or inputs changed; not all shares are done
/// @throws ValueError       NaN or infinity in an input (tensor and index named)
/// @throws Interrupted      the user asked to stop: resume goes on
/// After any other error nothing is left, unless an earlier run had begun the output.
[[nodiscard]] RunSummary run_merge(MergePlan& plan, const Recipe& recipe, const RunOptions& options);

}  // namespace cambium::merge
