#pragma once

#include <memory>
#include <string>
#include <vector>

#include "checkpoint/weight_source.h"
#include "merge/source_tensor.h"
#include "merge/virtual_merge.h"

namespace cambium::merge {

/// Some tensors of a recipe, merged once and kept as long as this lives: in an unlinked file that is mapped (memory
/// stays bounded whatever their size) or in memory.
/// @throws SystemError  the file cannot be written
[[nodiscard]] std::unique_ptr<const checkpoint::WeightSource> spilled(const VirtualMerge& merge,
                                                                      const std::vector<std::string>& names,
                                                                      const SpillPlace& place);

}  // namespace cambium::merge
