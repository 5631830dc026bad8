#include "merge/execute.h"

#include <fmt/format.h>

#include "merge/method_table.h"
#include "merge/tensor_run.h"
#include "tensor/error.h"

namespace cambium::merge {

namespace {

void check_task(const TensorTask& task, const Method& method) {
  std::size_t bases = 0;
  for (const TaskInput& input : task.inputs) {
    bases += input.is_base ? 1 : 0;
    const InputTensor& tensor = *input.tensor;
    if (tensor.shape() != task.shape) {
      throw ShapeError(fmt::format("{} has shape {}, expected {} as the merged tensor '{}'", tensor.label(),
                                   to_string(tensor.shape()), to_string(task.shape), task.name));
    }
    const bool copied = task.inputs.size() == 1 && tensor.dtype() == task.out_dtype;
    if (!is_mergeable(tensor.dtype()) && !copied) {
      throw ValueError(
          fmt::format("{} is stored as {}; only F32, F16, BF16 and F64 can be merged (other types can only be "
                      "copied, by passthrough)",
                      tensor.label(), name_of(tensor.dtype())));
    }
    for (const auto& [name, value] : input.parameters) {
      const ParameterInfo* info = method.info->find_parameter(name);
      if (info == nullptr || info->scope == ParameterScope::kShared) {
        throw RecipeError(
            fmt::format("{}: method '{}' has no parameter '{}' for a model", task.name, task.method, name));
      }
    }
  }
  for (const auto& [name, value] : task.parameters) {
    const ParameterInfo* info = method.info->find_parameter(name);
    if (info == nullptr || info->scope != ParameterScope::kShared) {
      throw RecipeError(fmt::format("{}: method '{}' has no parameter '{}' of its own", task.name, task.method, name));
    }
  }
  if (bases > 1) throw RecipeError(fmt::format("{}: {} inputs are marked as the base, expected one", task.name, bases));
  check_inputs(*method.info, task.inputs.size(), bases == 1, task.name);
  if (method.check != nullptr) method.check(task);
}

}  // namespace

std::uint64_t bytes_of_inputs(const TensorTask& task) {
  std::uint64_t bytes = 0;
  for (const TaskInput& input : task.inputs) {
    bytes += numel(task.shape) * static_cast<std::uint64_t>(bits_of(input.tensor->dtype())) / 8;
  }
  return bytes;
}

TaskReport execute(const TensorTask& task, OutputTensor& out, const ExecuteOptions& options) {
  const Method& method = find_method(task.method);
  check_task(task, method);
  TaskReport report;
  TensorRun run(task, out, options, report);
  method.merge(run);
  run.finish();
  return report;
}

}  // namespace cambium::merge
