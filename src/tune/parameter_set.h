#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/weight_source.h"
#include "family/model_description.h"

namespace cambium::tune {

/// How one tensor is trained.
struct ParameterRule {
  bool trained = true;
  double rate_factor = 1.0;  ///< times the schedule's learning rate
  double weight_decay = 0.0;
};

/// One tensor of the model in training, in the place its family gives it.
struct Parameter {
  family::TensorRole role;  ///< name and shape as in the file
  ParameterRule rule;
  at::Tensor value;              ///< in the training type; a leaf that requires a gradient if it is trained
  at::Tensor gradient;           ///< same shape and type, or undefined if frozen
  std::int64_t offset = -1;      ///< of its first element in the flat memory of trained tensors; -1: frozen
  bool written = false;          ///< gradient holds values of this step; else what is there is old
  bool stored_directly = false;  ///< its users write `gradient` themselves (else autograd adds into it)
};

/// All floating-point tensors of a model; the trained ones, and their gradients, lie in one flat piece of memory each,
/// ordered by layer and role (query, key, value and gate, up are neighbours where nothing keeps them apart).
class ParameterSet {
 public:
  using RuleFor = std::function<ParameterRule(const family::TensorRole& role)>;
  /// Reads every tensor. @param dtype  float32 or bfloat16: type of weights and gradients
  /// @throws CheckpointError  a tensor of an integer or 8-bit type that is no buffer
  ParameterSet(const checkpoint::WeightSource& source, const family::ModelDescription& description,
               at::ScalarType dtype, const RuleFor& rule);
  /// For parameters that the model's file does not have (adapters): shapes by name, zeros at first.
  ParameterSet(std::vector<family::TensorRole> roles, at::ScalarType dtype, const RuleFor& rule);

  [[nodiscard]] std::vector<Parameter>& all() { return parameters_; }
  [[nodiscard]] const std::vector<Parameter>& all() const { return parameters_; }
  /// By name in the file; null if there is none.
  [[nodiscard]] Parameter* find(std::string_view name);
  [[nodiscard]] const Parameter* find(std::string_view name) const;

  /// [n] trained values, and gradients; padding between tensors is zero in both.
  [[nodiscard]] const at::Tensor& values() const { return values_; }
  [[nodiscard]] const at::Tensor& gradients() const { return gradients_; }
  [[nodiscard]] at::ScalarType dtype() const { return dtype_; }
  /// Elements of trained tensors, and of all.
  [[nodiscard]] std::int64_t trained_count() const;
  [[nodiscard]] std::int64_t count() const;

  /// Forgets the gradients: before each backward pass whose result stands by itself.
  void begin_gradients();
  /// Gradients that nobody wrote become zero.
  void finish_gradients();

 private:
  void place(at::ScalarType dtype, const RuleFor& rule);

  std::vector<Parameter> parameters_;
  at::ScalarType dtype_;
  at::Tensor values_, gradients_;
};

/// One weight, or several that lie side by side, as the training step multiplies with it.
struct TrainedWeight {
  at::Tensor value;     ///< outside of autograd
  at::Tensor gradient;  ///< where the gradient goes; undefined: frozen
  std::vector<Parameter*> owners;

  /// Rows of `parts` as one weight if their values (and gradients) are neighbours in memory, else an undefined value.
  [[nodiscard]] static TrainedWeight joined(const std::vector<Parameter*>& parts);
  [[nodiscard]] bool trained() const { return gradient.defined(); }
  /// Whether a gradient of this step is there to be added to.
  [[nodiscard]] bool written() const;
  void mark_written() const;
};

}  // namespace cambium::tune
