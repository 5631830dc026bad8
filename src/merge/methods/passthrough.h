#pragma once

#include <array>

#include "merge/element_kernels.h"
#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

/// merged = scale * model: copies the one source; for stacking slices of models.
struct Passthrough {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "scale", .scope = ParameterScope::kPerInput, .help = "factor; left out: copy the bytes"},
  };
  static constexpr MethodInfo kInfo{.name = "passthrough",
                                    .source = "mergekit",
                                    .help = "copies one model's tensor, scaled if asked",
                                    .max_inputs = 1,
                                    .parameters = kParameters};

  static void merge(TensorRun& run) {
    const auto factor = run.find_of_input(0, "scale");
    if (!factor) return run.copy(0);
    run.report().inputs[0]["scale"] = *factor;
    run.write(Cut::kFlat, [&](Piece& piece) {
      std::ranges::copy(piece.inputs[0], piece.out.begin());
      scale(run.rounding(), static_cast<float>(*factor), piece.out);
    });
  }
};

}  // namespace cambium::merge
