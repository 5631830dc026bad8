#include "tensor/shape.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <limits>

namespace cambium {

std::optional<std::int64_t> checked_numel(const Shape& shape) {
  if (std::ranges::any_of(shape, [](std::int64_t size) { return size < 0; })) return std::nullopt;
  // An empty tensor has no elements however large its other sizes are.
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t size : shape) {
    if (product > std::numeric_limits<std::int64_t>::max() / size) return std::nullopt;
    product *= size;
  }
  return product;
}

std::size_t numel(const Shape& shape) {
  const std::optional<std::int64_t> count = checked_numel(shape);
  assert(count.has_value());
  return static_cast<std::size_t>(count.value_or(0));
}

std::string to_string(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

}  // namespace cambium
