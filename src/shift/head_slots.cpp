#include "shift/head_slots.h"

namespace cambium::shift {
namespace {

using family::HeadGeometry;
using family::Role;
using family::RowBlocks;
using family::TensorRole;

void assign(const RowBlocks& rows, Role role, const HeadGeometry& heads, HeadSlots& slots) {
  const auto first = static_cast<std::int32_t>(slots.slots.size());
  for (std::int64_t head = 0; head < heads.count; ++head) slots.slots.push_back({role, static_cast<int>(head)});
  for (std::int64_t row = 0; row < rows.total(); ++row) {
    slots.of_index[static_cast<std::size_t>(rows.at(row))] = first + static_cast<std::int32_t>(row / heads.head_dim);
  }
}

}  // namespace

HeadSlots head_slots(const TensorRole& tensor) {
  HeadSlots slots;
  const bool matrix = tensor.shape.size() == 2;
  if (tensor.shape.empty() || tensor.shape.size() > 2) return slots;
  const bool output = tensor.role == Role::kAttentionOutput;
  // The axis that runs over heads: output features of q, k, v, input features of o.
  slots.inner = matrix && (output != tensor.transposed);
  slots.inner_size = matrix ? tensor.shape[1] : 1;
  const std::int64_t axis = slots.inner ? tensor.shape[1] : tensor.shape[0];
  const auto fits = [axis](const RowBlocks& rows, const HeadGeometry& heads) {
    return heads.count > 0 && rows.total() == heads.count * heads.head_dim && rows.total() <= axis;
  };
  slots.of_index.assign(static_cast<std::size_t>(axis), 0);
  if (!tensor.parts.empty()) {
    for (const family::FusedPart& part : tensor.parts) {
      if (part.heads && fits(part.rows, *part.heads)) assign(part.rows, part.role, *part.heads, slots);
    }
  } else if (tensor.heads && (!output || matrix) && fits(RowBlocks::range(0, axis), *tensor.heads)) {
    assign(RowBlocks::range(0, axis), tensor.role, *tensor.heads, slots);
  }
  if (slots.slots.empty()) slots.of_index.clear();
  slots.run_end.resize(slots.of_index.size());
  for (std::size_t i = slots.of_index.size(); i-- > 0;) {
    const bool last = i + 1 == slots.of_index.size() || slots.of_index[i + 1] != slots.of_index[i];
    slots.run_end[i] = last ? static_cast<std::int32_t>(i + 1) : slots.run_end[i + 1];
  }
  return slots;
}

}  // namespace cambium::shift
