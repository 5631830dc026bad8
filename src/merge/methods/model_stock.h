#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Moves from the base towards the mean of N models by t = N c / (1 + (N - 1) c), where c is the mean cosine between
/// their task vectors (Jang et al., arXiv:2403.19522, equation 3): the more they agree, the further. By whole tensor or
/// (filter_wise) by row.
struct ModelStock {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "filter_wise", .kind = ParameterKind::kBoolean, .fallback = 0, .help = "one t for each row"},
  };
  static constexpr MethodInfo kInfo{.name = "model_stock",
                                    .source = "arXiv:2403.19522",
                                    .help = "between base and mean, by how far the task vectors agree",
                                    .base = BaseUse::kRequired,
                                    .min_inputs = 3,
                                    .missing = MissingTensor::kCopyBaseOrSkip,
                                    .parameters = kParameters};

  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
