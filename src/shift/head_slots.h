#pragma once

#include <cstdint>
#include <vector>

#include "family/model_description.h"

namespace cambium::shift {

/// One attention head's part of a tensor.
struct HeadSlot {
  family::Role role = family::Role::kOther;  ///< kQuery, kKey, kValue or kAttentionOutput
  int head = 0;
};

/// Which head each element of an attention tensor belongs to: blocks of rows of q, k, v, blocks of columns of o, and
/// the same inside fused and transposed tensors.
struct HeadSlots {
  std::vector<HeadSlot> slots;         ///< empty: the tensor has no heads
  std::vector<std::int32_t> of_index;  ///< along the axis: number of the slot
  std::vector<std::int32_t> run_end;   ///< along the axis: where the run of indices of one slot ends
  bool inner = false;                  ///< the axis is the last dimension (else the first)
  std::int64_t inner_size = 1;         ///< elements of one row of the stored tensor
};
[[nodiscard]] HeadSlots head_slots(const family::TensorRole& tensor);

}  // namespace cambium::shift
