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

void WeightSource::read_range(std::string_view name, std::uint64_t offset, std::span<std::byte> out) const {
  std::vector<std::byte> all(find(name)->bytes());
  read(name, all);
  std::ranges::copy(std::span(all).subspan(offset, out.size()), out.begin());
}

}  // namespace cambium::checkpoint
