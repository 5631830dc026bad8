#pragma once

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "merge/execute.h"
#include "merge/tensor_task.h"
#include "support/memory_tensor.h"

namespace cambium::testing_support {

/// One input of a small merge: its values, and what a recipe says about it.
struct Model {
  std::string name;
  std::vector<float> values;
  merge::Parameters parameters = {};
  bool is_base = false;
};

inline Model base_model(std::vector<float> values) { return {"base", std::move(values), {}, true}; }

/// A merge of tensors of one shape. @param stored  type of the inputs, of the arithmetic and of the result
inline merge::TensorTask make_task(std::string method, Shape shape, const std::vector<Model>& models,
                                   merge::Parameters shared = {}, DType stored = DType::kF32, bool mapped = true) {
  merge::TensorTask task;
  task.name = "layer.weight";
  task.method = std::move(method);
  task.shape = std::move(shape);
  task.parameters = std::move(shared);
  task.compute_dtype = task.out_dtype = stored;
  for (const Model& model : models) {
    merge::TaskInput& input = task.inputs.emplace_back();
    input.tensor = std::make_shared<MemoryInput>(model.name + ": layer.weight", stored, task.shape,
                                                 stored_as(stored, model.values), mapped);
    input.parameters = model.parameters;
    input.is_base = model.is_base;
    input.model = model.name;
  }
  return task;
}

/// The merged values.
inline std::vector<float> merged(const merge::TensorTask& task, const merge::ExecuteOptions& options = {}) {
  MemoryOutput out(task.out_dtype, task.shape);
  (void)merge::execute(task, out, options);
  if (!out.complete()) throw std::logic_error("an element was not written exactly once");
  return out.values();
}

/// A row vector merged.
inline std::vector<float> merge_vector(std::string method, const std::vector<Model>& models,
                                       merge::Parameters shared = {}) {
  return merged(make_task(std::move(method), {static_cast<std::int64_t>(models.front().values.size())}, models,
                          std::move(shared)));
}

/// Weights like a model's: normal, sigma 0.02, from a fixed seed.
inline std::vector<float> random_weights(std::size_t count, unsigned seed, float sigma = 0.02F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, sigma);
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

/// base plus a small change.
inline std::vector<float> tuned_from(const std::vector<float>& base, unsigned seed, float sigma = 0.002F) {
  std::vector<float> values = random_weights(base.size(), seed, sigma);
  for (std::size_t i = 0; i < base.size(); ++i) values[i] += base[i];
  return values;
}

}  // namespace cambium::testing_support
