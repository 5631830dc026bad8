#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tune/parameter_set.h"

namespace cambium::tune {

/// Where the exact value of a bfloat16 weight lives between steps.
enum class WeightPrecision : std::uint8_t {
  kMaster,      ///< a float32 copy takes the updates; the weights are its rounding
  kStochastic,  ///< no copy: each update is rounded up or down by chance, right on average (arXiv:2010.06192)
  kNearest,     ///< no copy, rounded to nearest: small updates are lost
};

struct OptimizerOptions {
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip_norm = 1.0;  ///< gradients are scaled so that their norm is at most this; 0: never
  WeightPrecision precision = WeightPrecision::kMaster;
  at::ScalarType state_type = at::kFloat;  ///< of the two moments: float32 or bfloat16
  double pull = 0.0;                       ///< strength of the pull towards the values at the start (L2-SP)
  std::uint64_t seed = 0;                  ///< of stochastic rounding
};

/// AdamW with decoupled decay (arXiv:1711.05101) over flat parameters: one pass of all threads over values, gradients
/// and moments. L2-SP (arXiv:1802.01483) as a decoupled pull: value -= rate * pull * (value - value at the start).
class Optimizer {
 public:
  Optimizer(ParameterSet& parameters, const OptimizerOptions& options);

  /// Sum of squares of all gradients. Fixed order, float64.
  [[nodiscard]] double gradient_squares() const;
  /// @param rate            learning rate of this step, before each parameter's own factor
  /// @param gradient_scale  clipping, for this and other sets together
  void step(double rate, double gradient_scale);
  /// Where the values at the start are wanted (pull, shift limits). float32 or the weights' type.
  [[nodiscard]] const at::Tensor& anchor() const { return anchor_; }
  void keep_anchor();

  /// A trained tensor whose mean absolute shift from the start reaches `limit` stands still from now on.
  void rest_shifted(double limit);
  /// Replaces the weights (and their float32 copies).
  void set_values(const at::Tensor& values);

  [[nodiscard]] std::int64_t steps() const { return steps_; }
  [[nodiscard]] std::int64_t state_bytes() const;
  /// Everything that the next step depends on: moments, masters, values, the number of steps. By name, for a
  /// checkpoint.
  [[nodiscard]] std::map<std::string, at::Tensor> state() const;
  /// Takes a state back. @throws CheckpointError  a tensor is missing or of another size
  void restore(const std::map<std::string, at::Tensor>& state, const std::string& where);

 private:
  struct Range {
    std::int64_t offset = 0, count = 0;
    double rate_factor = 1, decay = 0;
    bool resting = false;
  };
  ParameterSet& parameters_;
  OptimizerOptions options_;
  std::vector<Range> ranges_;
  at::Tensor first_, second_, master_, anchor_;
  std::int64_t steps_ = 0;
};

/// Scale that brings a norm down to `limit` (1 if it is below, or limit is 0), as torch's clip_grad_norm_.
[[nodiscard]] double clip_scale(double norm, double limit);

}  // namespace cambium::tune
