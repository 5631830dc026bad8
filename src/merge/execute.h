#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "checkpoint/content_hash.h"
#include "merge/tensor_task.h"

namespace cambium {
class Progress;
class Workers;
}  // namespace cambium

namespace cambium::merge {

class RecordedMasks;

struct ExecuteOptions {
  /// Threads that share the work on one tensor; null: the calling thread alone.
  Workers* workers = nullptr;
  /// Bytes that buffers, and input pages kept mapped between two passes, may take together. Never fewer than a few
  /// chunks per thread.
  std::size_t memory_bytes = std::size_t{256} << 20;
  /// Told of input bytes as they are read for the last time, so that a task advances by exactly bytes_of_inputs(task);
  /// asked whether to stop between chunks. May be null.
  Progress* progress = nullptr;
  /// Masks to use in place of random ones: to compare with results of another generator. May be null.
  const RecordedMasks* masks = nullptr;
  /// Hash the stored bytes of the inputs that have them (InputTensor::stored) while they are read: costs no pass.
  bool hash_inputs = false;
};

/// What a method found out about one tensor: for provenance and the summary of a run.
struct TaskReport {
  /// Numbers of the tensor as a whole: "cosine", "t", "threshold", "kept" ...
  std::map<std::string, double, std::less<>> values;
  /// The same for each input, in the task's order: "weight", "kept" (share of the elements), "rescale", "shift" ...
  std::vector<std::map<std::string, double, std::less<>>> inputs;
  /// With hash_inputs, for each input: its hash as checkpoint::TensorHasher takes it, if it has stored bytes.
  std::vector<std::optional<checkpoint::ContentHash>> input_hashes;
};

/// Merges one tensor by streaming over its inputs.
///
/// @throws RecipeError  unknown method, or a number of inputs the method cannot work with
/// @throws ShapeError   an input's shape differs from the task's
/// @throws ValueError   a parameter is out of range, weights that are to be normalised sum to 0, or an input holds a
/// NaN or infinity
///                      (message: label, index); nothing useful has been written then
/// @throws Interrupted  progress asked to stop
/// Cost: 1 to 4 passes over the inputs by method; memory as the options say, whatever the tensor's size.
/// The same bytes for any number of threads and any memory budget.
[[nodiscard]] TaskReport execute(const TensorTask& task, OutputTensor& out, const ExecuteOptions& options);

/// Stored bytes of all inputs: what execute reports to Progress.
[[nodiscard]] std::uint64_t bytes_of_inputs(const TensorTask& task);

}  // namespace cambium::merge
