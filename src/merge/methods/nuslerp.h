#pragma once

#include <array>
#include <vector>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Spherical interpolation between two models, or between their task vectors when there is a base, which is then added
/// back: t = weight_2 / (weight_1 + weight_2) of the angle, on the flattened tensor, on each run along the last
/// dimension, or (row_wise) on each run along the first one.
struct NuSlerp {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "weight", .scope = ParameterScope::kPerTuned, .required = true, .help = "pull of this model"},
      ParameterInfo{.name = "nuslerp_flatten",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 1,
                    .help = "the tensor is one vector"},
      ParameterInfo{.name = "nuslerp_row_wise",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "if not flattened: vectors run along the first dimension instead of the last"},
  };
  static constexpr MethodInfo kInfo{
      .name = "nuslerp",
      .source = "mergekit",
      .help = "spherical interpolation of two models or task vectors, by tensor, row or column",
      .base = BaseUse::kOptional,
      .min_tuned = 2,
      .max_tuned = 2,
      .missing = MissingTensor::kCopySingle,
      .parameters = kParameters};

  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
