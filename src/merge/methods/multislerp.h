#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Barycentric interpolation of any number of models (or task vectors, when there is a base) on the sphere: their
/// directions are averaged, the mean is corrected in its tangent space and given the weighted mean of the lengths.
struct MultiSlerp {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "weight", .scope = ParameterScope::kPerTuned, .required = true, .help = "pull of this model"},
      ParameterInfo{.name = "normalize_weights",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 1,
                    .help = "make the weights sum to 1"},
      ParameterInfo{.name = "eps", .fallback = 1e-8, .help = "keeps divisions by tiny lengths finite"},
  };
  static constexpr MethodInfo kInfo{.name = "multislerp",
                                    .source = "https://goddard.blog/posts/multislerp-wow-what-a-cool-idea",
                                    .help = "spherical interpolation of any number of models",
                                    .base = BaseUse::kOptional,
                                    .min_tuned = 1,
                                    .parameters = kParameters};

  static void check(const TensorTask& task);
  static void merge(TensorRun& run);
};

/// Karcher (Riemannian) mean of the models' directions on the sphere, found by gradient steps, times the mean of their
/// lengths (arXiv:2603.04972).
struct Karcher {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "max_iter", .fallback = 10, .help = "most steps"},
      ParameterInfo{.name = "tol", .fallback = 1e-5, .help = "stop when a step is shorter (radians)"},
  };
  static constexpr MethodInfo kInfo{.name = "karcher",
                                    .source = "arXiv:2603.04972",
                                    .help = "Karcher mean of the models on the sphere",
                                    .parameters = kParameters};

  static void check(const TensorTask& task);
  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
