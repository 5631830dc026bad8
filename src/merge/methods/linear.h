#pragma once

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/method_info.h"
#include "merge/tensor_run.h"
#include "tensor/error.h"

namespace cambium::merge {

/// merged = sum_i weight_i * model_i, divided by sum_i weight_i unless normalize is off. Wortsman et al.,
/// arXiv:2203.05482, section 2. Bit for bit as mergekit: float32 fused multiply-add in the order of the inputs, one
/// rounding to the compute type at the end.
struct Linear {
  static constexpr std::array kParameters{
      ParameterInfo{
          .name = "weight", .scope = ParameterScope::kPerInput, .required = true, .help = "share of this model"},
      ParameterInfo{.name = "normalize",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 1,
                    .help = "divide by the sum of the weights"},
  };
  static constexpr MethodInfo kInfo{.name = "linear",
                                    .source = "arXiv:2203.05482",
                                    .help = "weighted average of the models",
                                    .parameters = kParameters};

  static void check(const TensorTask& task) {
    const auto normalize = task.parameters.find("normalize");
    if (normalize != task.parameters.end() && normalize->second == 0) return;
    float total = 0;
    for (const TaskInput& input : task.inputs) {
      const auto weight = input.parameters.find("weight");
      if (weight != input.parameters.end()) total += static_cast<float>(weight->second);
    }
    if (total == 0) {
      throw ValueError(
          task.name +
          ": the weights of linear sum to 0, so they cannot be normalised; change a weight or set normalize: false");
    }
  }

  static void merge(TensorRun& run) {
    std::vector<float> weights;
    float total = 0;
    for (const std::size_t i : run.all()) {
      weights.push_back(static_cast<float>(run.of_input(i, "weight")));
      total += weights.back();
      run.report().inputs[i]["weight"] = weights.back();
    }
    const float divisor = run.flag("normalize") ? total : 1.0F;
    run.write(Cut::kFlat, [&](Piece& piece) { combine(weights, piece.pointers(run.all()), divisor, piece.out); });
  }
};

/// merged = the plain mean of the models: the rival of shift_softmax in arXiv:2506.01872. The base is left out of the
/// mean unless include_base is set; with no base it is the mean of all.
struct Average {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "include_base",
                    .kind = ParameterKind::kBoolean,
                    .fallback = 0,
                    .help = "count the base as one of the models"},
  };
  static constexpr MethodInfo kInfo{.name = "average",
                                    .source = "arXiv:2506.01872",
                                    .help = "plain mean of the models, without the base unless include_base",
                                    .base = BaseUse::kOptional,
                                    .min_tuned = 1,
                                    .parameters = kParameters};

  static void merge(TensorRun& run) {
    const std::span<const std::size_t> chosen = run.flag("include_base") ? run.all() : run.tuned();
    const std::vector<float> ones(chosen.size(), 1.0F);
    run.write(Cut::kFlat, [&](Piece& piece) {
      combine(ones, piece.pointers(chosen), static_cast<float>(chosen.size()), piece.out);
    });
  }
};

}  // namespace cambium::merge
