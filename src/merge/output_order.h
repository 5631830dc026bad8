#pragma once

#include <vector>

#include "merge/merge_plan.h"

namespace cambium::merge {

/// Sorts tensors as a checkpoint is read: embedding, layers by number, final norm, head; then the other parts by name
/// (numbers in names by value).
void sort_for_output(std::vector<PlannedTensor>& tensors);

}  // namespace cambium::merge
