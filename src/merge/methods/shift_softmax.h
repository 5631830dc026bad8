#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// merged = alpha0 * theta_0 + (1 - alpha0) * sum_i w_i theta_i, w = softmax(tau * shift_i), shift_i = mean |theta_0 -
/// theta_i|: arXiv:2506.01872, where the more a model moved a tensor, the more it counts there.
///
/// theta_0 is the base, the language model all come from. The shift is measured on this tensor, unless each model
/// brings its own (parameter `shift`: that of its layer or module, say). With by_head and a task that has heads, each
/// head has its own weights.
struct ShiftSoftmax {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "alpha0", .fallback = 0.5, .help = "share of the base"},
      ParameterInfo{
          .name = "tau", .fallback = 1000, .help = "sharpness: 0 averages, large takes the model that moved most"},
      ParameterInfo{.name = "by_head",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "weights for each attention head of a projection"},
      ParameterInfo{.name = "shift",
                    .scope = ParameterScope::kPerTuned,
                    .help = "mean shift to use instead of this tensor's own"},
  };
  static constexpr MethodInfo kInfo{.name = "shift_softmax",
                                    .source = "arXiv:2506.01872",
                                    .help = "models weighted by the softmax of their parameter shift",
                                    .base = BaseUse::kRequired,
                                    .min_tuned = 1,
                                    .parameters = kParameters};

  static void check(const TensorTask& task);
  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
