#pragma once

#include <array>

#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// Locate, then merge (Yu and Ananiadou, arXiv:2505.16703): keeps what tuning did to the neurons that moved most, which
/// carry the new modality, and takes the others, which carry the language, back towards the base.
///
/// Our reading of it. A neuron is what a projection gives to or takes from one unit: a row of q, k, v, gate and up, a
/// column of o and down
/// (`columns`), one element of a vector. Locate: the density share of a tensor's neurons with the largest mean |tuned -
/// base| (at least one; of equal ones the first). Suppress: the task vector of every other neuron is multiplied by
/// `suppress`, 0 restoring the base. Restore: with `rescale`, what is left is scaled so that the tensor's sum of
/// magnitudes is that of the task vector again. merged = base + sum_i weight_i * that. Arithmetic is float32, rounded
/// once.
struct NeuronFusion {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "weight", .scope = ParameterScope::kPerTuned, .fallback = 1, .help = "scale of this model's neurons"},
      ParameterInfo{.name = "density",
                    .scope = ParameterScope::kPerTuned,
                    .fallback = 0.1,
                    .help = "share of the neurons to keep as tuned"},
      ParameterInfo{.name = "suppress",
                    .scope = ParameterScope::kPerTuned,
                    .fallback = 0,
                    .help = "what is left of the others' changes"},
      ParameterInfo{.name = "rescale",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "scale what is left to the sum of magnitudes of all changes"},
      ParameterInfo{.name = "columns",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "neurons are columns (o and down projections)"},
  };
  static constexpr MethodInfo kInfo{.name = "neuron_fusion",
                                    .source = "arXiv:2505.16703",
                                    .help = "the neurons that moved most as tuned, the others as in the base",
                                    .base = BaseUse::kRequired,
                                    .min_tuned = 1,
                                    .parameters = kParameters};

  static void merge(TensorRun& run);
};

}  // namespace cambium::merge
