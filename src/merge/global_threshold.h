#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "merge/execute.h"
#include "merge/tensor_task.h"

namespace cambium::merge {

/// The cut that keeps exactly K elements of all differences of a model together.
struct GlobalThreshold {
  float magnitude = 0;  ///< kept: |difference| above it, and some that equal it
  std::vector<std::uint64_t>
      ties;  ///< for each task: how many of the elements that equal `magnitude` are kept, lowest index first
  std::uint64_t kept = 0;      ///< K
  std::uint64_t elements = 0;  ///< elements of all differences
};

/// Finds the K-th largest |tuned - base| over many tensors: K = max(1, floor(density * elements)) (0 if density <= 0).
///
/// To use it, set for each task the input's parameters "threshold" = magnitude and "threshold_ties" = ties[i] (method
/// `recover`).
///
/// @param count    number of tasks
/// @param task     gives task i; called once per pass and task, so tasks need not be kept. Exactly one base and one
/// other input.
/// @param density  share to keep, 0..1; at 1 the threshold is 0 and every tie is kept
/// @throws ValueError  NaN or infinity in an input, unless the task allows them (they then count as the largest)
/// Cost: an exact radix histogram over the bits of |difference|: two passes over all inputs and one over the tensors
/// that hold ties; memory of a few hundred KiB per thread. Ties are kept in the order of tasks, then of elements. The
/// same result for any number of threads.
[[nodiscard]] GlobalThreshold find_global_threshold(std::size_t count,
                                                    const std::function<TensorTask(std::size_t)>& task, double density,
                                                    const ExecuteOptions& options);

}  // namespace cambium::merge
