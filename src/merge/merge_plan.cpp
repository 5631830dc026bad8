#include "merge/merge_plan.h"

#include <algorithm>
#include <utility>

namespace cambium::merge {

bool PlannedTensor::carried() const {
  return std::ranges::all_of(parts, [](const PlannedPart& part) { return part.method.empty(); });
}

TensorTask MergePlan::task(const PlannedTensor& tensor, const PlannedPart& part, const SpillPlace& spill) const {
  TensorTask task;
  task.name = tensor.output.name + part.suffix;
  task.shape = part.region.shape();
  task.method = part.method.empty() ? "passthrough" : part.method;
  task.parameters = part.shared;
  task.compute_dtype = tensor.compute_dtype;
  task.out_dtype = tensor.output.dtype;
  task.heads = part.heads;
  task.seed = seed;
  task.allow_nonfinite = allow_nonfinite;

  std::vector<std::shared_ptr<const InputTensor>> embeddings;
  if (tensor.vocabulary) {
    for (const PlannedInput& input : tensor.inputs) embeddings.push_back(open_tensor(*input.source, input.form, spill));
  }
  for (std::size_t i = 0; i < part.inputs.size(); ++i) {
    const PlannedInput& input = tensor.inputs[part.inputs[i]];
    std::shared_ptr<const InputTensor> opened =
        tensor.vocabulary ? vocabulary_tensor(embeddings, tensor.vocabulary, part.inputs[i], tensor.compute_dtype)
                          : open_tensor(*input.source, input.form, spill);
    if (opened->shape() != tensor.output.shape) {
      // A vocabulary that is cut to the smallest.
      opened = part_of(opened, Region::rows(opened->shape(), {{0, tensor.output.shape.front()}}));
    }
    task.inputs.push_back({part_of(std::move(opened), part.region), part.per_input[i],
                           input.is_base && !part.method.empty(), input.source->label()});
  }
  return task;
}

std::uint64_t MergePlan::input_bytes() const {
  std::uint64_t bytes = 0;
  for (const PlannedTensor& tensor : tensors) {
    for (const PlannedInput& input : tensor.inputs) {
      bytes += numel(input.form.shape) * static_cast<std::uint64_t>(bits_of(input.form.dtype)) / 8;
    }
  }
  return bytes;
}

std::uint64_t MergePlan::output_bytes() const {
  std::uint64_t bytes = 0;
  for (const PlannedTensor& tensor : tensors) bytes += tensor.output.bytes();
  return bytes;
}

}  // namespace cambium::merge
