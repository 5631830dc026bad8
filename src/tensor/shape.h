#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cambium {

/// Sizes of a tensor's dimensions, outermost first (row-major); {} is a scalar.
using Shape = std::vector<std::int64_t>;

/// Number of elements, or nothing if a size is negative or the product does not fit 63 bits.
[[nodiscard]] std::optional<std::int64_t> checked_numel(const Shape& shape);
/// Number of elements of a shape already checked.
[[nodiscard]] std::size_t numel(const Shape& shape);
/// "[4096, 11008]"
[[nodiscard]] std::string to_string(const Shape& shape);

}  // namespace cambium
