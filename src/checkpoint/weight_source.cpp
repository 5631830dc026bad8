#include "checkpoint/weight_source.h"

#include <algorithm>

namespace cambium::checkpoint {

std::size_t TensorInfo::bytes() const { return (numel(shape) * static_cast<std::size_t>(bits_of(dtype)) + 7) / 8; }

const TensorInfo* WeightSource::find(std::string_view name) const {
  const std::vector<TensorInfo>& all = tensors();
  const auto found =
      std::ranges::lower_bound(all, name, {}, [](const TensorInfo& info) -> std::string_view { return info.name; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace cambium::checkpoint
