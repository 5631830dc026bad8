#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tasks/comparison/recorded_run.h"

namespace cambium::tasks {

/// How two runs' samples are brought together.
struct PairingOptions {
  bool by_number = false;    ///< by the document's number instead of its content
  bool common_only = false;  ///< leave out what only one run has, instead of failing
};

struct SamplePairs {
  std::vector<std::pair<const RecordedSample*, const RecordedSample*>> pairs;  ///< by the first run's numbers
  std::size_t only_first = 0;                                                  ///< samples left out
  std::size_t only_second = 0;
};

/// Pairs the samples of one task; equal documents that occur several times pair in order.
/// @throws ValueError  a sample that only one run has (unless common_only), or none in common
[[nodiscard]] SamplePairs pair_samples(const RecordedTask& first, const RecordedTask& second,
                                       const PairingOptions& options);

/// The tasks that both runs have, in the first run's order.
/// @param names  only these; empty: all
/// @throws ValueError  a task that only one run has (unless common_only or not named), or none in common; UsageError:
/// an unknown name
[[nodiscard]] std::vector<std::pair<const RecordedTask*, const RecordedTask*>> pair_tasks(
    const RecordedRun& first, const RecordedRun& second, const std::vector<std::string>& names,
    const PairingOptions& options);

/// Which samples belong together: several questions about one picture, say.
struct SampleClusters {
  std::string field;                 ///< of the documents; empty: each sample stands alone
  std::vector<std::int64_t> number;  ///< of each pair; empty if there is no field
};

/// @param field  of the documents, "none", or "auto": what the task's metadata names as `cluster`, else image_id,
/// image,
///               video or the like where samples share a value
/// @throws UsageError  a document lacks the field
[[nodiscard]] SampleClusters sample_clusters(const RecordedTask& task, const SamplePairs& pairs,
                                             const std::string& field);

}  // namespace cambium::tasks
