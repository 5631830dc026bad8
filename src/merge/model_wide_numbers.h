#pragma once

#include <map>
#include <string>
#include <vector>

#include "merge/execute.h"
#include "merge/merge_plan.h"
#include "merge/recipe.h"

namespace cambium::merge {

/// Numbers that need a look at the whole model before its first tensor can be merged; sets them as parameters of the
/// plan's parts.
///
///   recover with `scope: model`                the cut that keeps the largest differences of all tensors together
///   shift_softmax with `granularity: layer`    each model's mean shift over all tensors of the layer
///   shift_softmax with `granularity: module`   the same over the attention, the mlp or the norms of a layer
///
/// Does nothing for other recipes. A cut found once serves as long as inputs and density stay the same (alpha may
/// change).
class ModelWideNumbers {
 public:
  /// @throws RecipeError  what is asked for does not fit the recipe (several densities with scope: model)
  /// @throws ValueError   NaN or infinity in an input
  /// @throws Interrupted
  /// Cost: one pass over all inputs (shift), two to three (cut).
  void set(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options, const SpillPlace& spill);

 private:
  void set_cut(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options, const SpillPlace& spill);
  void set_shifts(MergePlan& plan, const Recipe& recipe, const ExecuteOptions& options, const SpillPlace& spill);

  std::map<std::string, std::vector<double>> found_;  ///< by what they were found for
};

}  // namespace cambium::merge
