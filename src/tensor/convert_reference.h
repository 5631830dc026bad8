#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace cambium {

/// to_float32 and from_float32 one element at a time, by arithmetic instead of bit tricks: what the SIMD kernels are
/// tested against.
void to_float32_reference(DType dtype, std::span<const std::byte> stored, std::span<float> out);
void from_float32_reference(DType dtype, std::span<const float> values, std::span<std::byte> stored);

}  // namespace cambium
