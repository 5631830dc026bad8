#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "merge/element_kernels.h"
#include "merge/method_info.h"
#include "merge/tensor_run.h"

namespace cambium::merge {

namespace ram_steps {

inline void take_task_vectors(const TensorRun& run, Piece& piece) {
  for (const std::size_t i : run.tuned()) subtract(run.rounding(), piece.inputs[*run.base()], piece.inputs[i]);
}

// Compared with values of the compute type, so it is one.
inline float epsilon_of(const TensorRun& run) {
  return rounded(run.rounding(), static_cast<float>(run.shared("epsilon")));
}

}  // namespace ram_steps

/// Reinforced agent merging (arXiv:2601.13572): an element that one model alone changed keeps the whole change, one
/// that several changed takes their mean. A change is a difference larger than epsilon.
struct Ram {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "epsilon", .fallback = 1e-5, .help = "differences up to this size are no change"},
  };
  static constexpr MethodInfo kInfo{.name = "ram",
                                    .source = "arXiv:2601.13572",
                                    .help = "sole changes whole, shared changes averaged",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};

  static void merge(TensorRun& run) {
    if (run.tuned().empty()) return run.copy(*run.base());
    const float epsilon = ram_steps::epsilon_of(run);
    const std::vector<float> alone(run.tuned().size(), 1.0F);
    run.write(Cut::kFlat, [&](Piece& piece) {
      ram_steps::take_task_vectors(run, piece);
      reinforce(run.rounding(), true, epsilon, alone, piece.pointers(run.tuned()), piece.inputs[*run.base()],
                piece.out);
    });
  }
};

/// ram with a model's sole changes strengthened by 1 + r * clamp(shared / alone, 0, alpha), by how many of its changes
/// others share.
struct RamPlus {
  static constexpr std::array kParameters{
      ParameterInfo{.name = "r", .fallback = 0.1, .help = "strength of the reinforcement"},
      ParameterInfo{.name = "alpha", .fallback = 0.2, .help = "largest ratio of shared to sole changes that counts"},
      ParameterInfo{.name = "epsilon", .fallback = 1e-5, .help = "differences up to this size are no change"},
  };
  static constexpr MethodInfo kInfo{.name = "ramplus_tl",
                                    .source = "arXiv:2601.13572",
                                    .help = "ram with sole changes reinforced, by tensor",
                                    .base = BaseUse::kRequired,
                                    .parameters = kParameters};

  static void merge(TensorRun& run) {
    if (run.tuned().empty()) return run.copy(*run.base());
    const std::size_t models = run.tuned().size();
    const float epsilon = ram_steps::epsilon_of(run);
    const std::vector<double> counts = run.sum(Cut::kFlat, 2 * models, [&](Piece& piece, std::span<double> sums) {
      ram_steps::take_task_vectors(run, piece);
      count_contributors(epsilon, piece.pointers(run.tuned()), piece.count, sums.first(models), sums.last(models));
    });
    std::vector<float> alone;
    for (std::size_t k = 0; k < models; ++k) {
      const double ratio = counts[models + k] / std::max(counts[k], run.shared("epsilon"));
      alone.push_back(static_cast<float>(1 + run.shared("r") * std::clamp(ratio, 0.0, run.shared("alpha"))));
      run.report().inputs[run.tuned()[k]]["reinforcement"] = alone.back();
    }
    run.write(Cut::kFlat, [&](Piece& piece) {
      ram_steps::take_task_vectors(run, piece);
      reinforce(run.rounding(), false, epsilon, alone, piece.pointers(run.tuned()), piece.inputs[*run.base()],
                piece.out);
    });
  }
};

}  // namespace cambium::merge
