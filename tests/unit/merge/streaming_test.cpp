// What streaming must not change: the bytes for any number of threads, any memory, stored or composed inputs; and how
// often inputs are read.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/content_hash.h"
#include "merge/execute.h"
#include "merge/method_table.h"
#include "support/merge_task.h"
#include "tensor/error.h"
#include "tensor/progress.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

using testing_support::base_model;
using testing_support::make_task;
using testing_support::MemoryInput;
using testing_support::MemoryOutput;
using testing_support::Model;
using testing_support::random_weights;
using testing_support::tuned_from;

// A task for any method of the table, with the values a recipe must give and some it may.
TensorTask task_for(const MethodInfo& info, const Shape& shape, DType dtype, bool mapped = true) {
  const std::vector<float> base = random_weights(numel(shape), 1);
  std::vector<Model> models;
  const std::size_t tuned =
      info.max_inputs ? *info.max_inputs - (info.base == BaseUse::kRequired ? 1 : 0) : info.max_tuned.value_or(2);
  if (info.base == BaseUse::kRequired) models.push_back(base_model(base));
  for (std::size_t k = 0; k < tuned; ++k) {
    Model& model = models.emplace_back();
    model.name = "tuned" + std::to_string(k);
    model.values = tuned_from(base, static_cast<unsigned>(k) + 2);
    for (const ParameterInfo& parameter : info.parameters) {
      if (parameter.scope == ParameterScope::kShared) continue;
      if (parameter.name == "weight") model.parameters["weight"] = 0.4 + 0.2 * static_cast<double>(k);
      if (parameter.name == "density") model.parameters["density"] = 0.3;
    }
  }
  Parameters shared;
  for (const ParameterInfo& parameter : info.parameters) {
    if (parameter.scope == ParameterScope::kShared && parameter.name == "t") shared["t"] = 0.3;
    if (parameter.name == "select_topk") shared["select_topk"] = 0.4;
  }
  return make_task(std::string(info.name), shape, models, shared, dtype, mapped);
}

std::vector<std::byte> bytes_of(const TensorTask& task, const ExecuteOptions& options) {
  MemoryOutput out(task.out_dtype, task.shape);
  (void)execute(task, out, options);
  EXPECT_TRUE(out.complete()) << task.method;
  return out.stored();
}

TEST(Streaming, GivesTheSameBytesForAnyThreadsMemoryAndKindOfInput) {
  Workers two(2), four(4);
  for (const Method& method : method_table()) {
    for (const auto& [shape, dtype] :
         {std::pair{Shape{301, 1801}, DType::kBF16}, std::pair{Shape{70001}, DType::kF32}}) {
      const TensorTask task = task_for(*method.info, shape, dtype);
      const std::vector<std::byte> expected = bytes_of(task, {});
      EXPECT_EQ(bytes_of(task, {.workers = &two}), expected) << method.info->name;
      EXPECT_EQ(bytes_of(task, {.workers = &four, .memory_bytes = 100000}), expected) << method.info->name;
      EXPECT_EQ(bytes_of(task_for(*method.info, shape, dtype, false), {.workers = &two}), expected)
          << method.info->name;
    }
  }
}

TEST(Streaming, HandlesScalarsAndEmptyTensors) {
  for (const Method& method : method_table()) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{0, 4}, Shape{3, 1}, Shape{1, 3}, Shape{2, 2, 2}}) {
      const TensorTask task = task_for(*method.info, shape, DType::kF32);
      for (const float value : testing_support::merged(task)) EXPECT_TRUE(std::isfinite(value)) << method.info->name;
    }
  }
}

double passes(const std::string& name, Parameters shared = {}) {
  TensorTask task = task_for(*find_method(name).info, {512, 512}, DType::kF32);
  for (const auto& [key, value] : shared) task.parameters[key] = value;
  (void)bytes_of(task, {});
  const auto& input = dynamic_cast<const MemoryInput&>(*task.inputs[0].tensor);
  return static_cast<double>(input.elements_read()) / static_cast<double>(numel(task.shape));
}

TEST(Streaming, ReadsInputsNoOftenerThanTheMethodNeeds) {
  for (const char* once : {"linear", "average", "task_arithmetic", "nearswap", "ram"})
    EXPECT_EQ(passes(once), 1) << once;
  EXPECT_EQ(passes("dare_ties", {{"rescale", 0}}), 1);
  EXPECT_EQ(passes("della_linear", {{"rescale", 0}}), 1);
  EXPECT_EQ(passes("model_stock", {{"filter_wise", 1}}), 1);
  EXPECT_EQ(passes("nuslerp", {{"nuslerp_flatten", 0}}), 1);
  for (const char* twice : {"slerp", "nuslerp", "multislerp", "karcher", "model_stock", "shift_softmax", "dare_linear",
                            "della", "ramplus_tl", "neuron_fusion"}) {
    EXPECT_EQ(passes(twice), 2) << twice;
  }
  for (const char* sampled : {"ties", "breadcrumbs", "recover"}) EXPECT_LT(passes(sampled), 2.1) << sampled;
}

TEST(Streaming, MergesAnEmptyListOfTunedModelsToTheBase) {
  const std::vector<float> base{1, -2, 3};
  for (const char* method : {"task_arithmetic", "ties", "della", "breadcrumbs", "sce", "ram", "ramplus_tl"}) {
    EXPECT_EQ(testing_support::merge_vector(method, {base_model(base)}), base) << method;
  }
}

class CountingProgress final : public Progress {
 public:
  explicit CountingProgress(bool stop) : stop_(stop) {}
  void begin(std::string_view, std::uint64_t, std::string_view) override {}
  void advance(std::uint64_t more) override { total += more; }
  [[nodiscard]] bool stop_requested() const override { return stop_; }
  std::atomic<std::uint64_t> total = 0;

 private:
  bool stop_;
};

TEST(Streaming, AdvancesByTheBytesOfTheInputsWhateverTheNumberOfPasses) {
  for (const Method& method : method_table()) {
    const TensorTask task = task_for(*method.info, {77, 1001}, DType::kBF16);
    CountingProgress progress(false);
    (void)bytes_of(task, {.progress = &progress});
    EXPECT_EQ(progress.total, bytes_of_inputs(task)) << method.info->name;
  }
}

TEST(Streaming, StopsWhenAskedTo) {
  CountingProgress progress(true);
  const TensorTask task = task_for(*find_method("ties").info, {77, 1001}, DType::kBF16);
  MemoryOutput out(task.out_dtype, task.shape);
  EXPECT_THROW((void)execute(task, out, {.progress = &progress}), Interrupted);
}

TEST(Streaming, HashesStoredInputsOnTheWay) {
  Workers two(2);
  for (const char* method : {"linear", "della", "ties", "passthrough"}) {
    const TensorTask task =
        task_for(*find_method(method).info, {801, 1301}, DType::kBF16);  // two blocks of 1 MiB and a rest
    MemoryOutput out(task.out_dtype, task.shape);
    const TaskReport report = execute(task, out, {.workers = &two, .hash_inputs = true});
    ASSERT_EQ(report.input_hashes.size(), task.inputs.size());
    for (std::size_t i = 0; i < task.inputs.size(); ++i) {
      EXPECT_EQ(report.input_hashes[i],
                checkpoint::hash_tensor(DType::kBF16, task.shape, task.inputs[i].tensor->stored()))
          << method;
    }
  }
}

}  // namespace
}  // namespace cambium::merge
