#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Brings back what a model forgot: merged = theta_mllm + alpha * top_K(theta_llm - theta_mllm), arXiv:2412.03467.
///
/// The base is the multimodal model, the other inputs are the language models it came from (one as in the paper;
/// several add up). K is density times the elements of the tensor, or, when threshold is given, what
/// find_global_threshold found for the whole model. Among equal magnitudes at the cut those with the lowest index are
/// kept. Arithmetic is float32, rounded once.
struct Recover {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "alpha",
                    .scope = ParameterScope::kPerTuned,
                    .fallback = 0.05,
                    .help = "scale of the way back, about 0.05"},
      ParameterInfo{.name = "density",
                    .scope = ParameterScope::kPerTuned,
                    .fallback = 1,
                    .help = "share of the differences to take, the largest first"},
      ParameterInfo{.name = "threshold",
                    .scope = ParameterScope::kPerTuned,
                    .help = "take differences larger than this instead of a share"},
      ParameterInfo{.name = "threshold_ties",
                    .scope = ParameterScope::kPerTuned,
                    .help = "with threshold: how many that equal it are taken too (all if left out)"},
  };
  static constexpr MethodInfo kInfo{
      .name = "recover",
      .source = "arXiv:2412.03467",
      .help = "base (the multimodal model) plus alpha times its largest differences to the language model",
      .base = BaseUse::kRequired,
      .min_tuned = 1,
      .parameters = kParameters};

  static void check(const TensorTask& task);
  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
