#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Select, calculate, erase (FuseChat, arXiv:2408.07990, section 3.3): keep the elements whose task vectors vary most
/// between models, weigh each model by the mean square of what is left, and average those that have the elected sign.
struct Sce {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "select_topk", .fallback = 1, .help = "share of the varying elements to keep"},
      ParameterInfo{.name = "int8_mask",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "no effect on the result; taken as mergekit has it"},
  };
  static constexpr MethodInfo kInfo{.name = "sce",
                                    .source = "arXiv:2408.07990",
                                    .help = "task vectors weighted by size where they vary most and agree in sign",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};

  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
