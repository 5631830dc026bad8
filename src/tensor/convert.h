#pragma once

#include <cstddef>
#include <span>

#include "tensor/dtype.h"

namespace cambium {

/// Widens stored elements to float32 (F64 is rounded to nearest even).
///
/// @param dtype   F16, BF16, F32 or F64
/// @param stored  out.size() elements, any alignment
/// Cost: SIMD (Highway, dispatched at run time), memory bound. NaN payloads are kept quiet; subnormals are exact.
void to_float32(DType dtype, std::span<const std::byte> stored, std::span<float> out);

/// Rounds float32 to the stored type: to nearest, ties to even; overflow of F16 gives infinity; NaN stays NaN (as
/// torch).
/// @param stored  values.size() elements, any alignment
void from_float32(DType dtype, std::span<const float> values, std::span<std::byte> stored);

/// Index of the first NaN or infinity, or values.size() if all are finite.
[[nodiscard]] std::size_t first_nonfinite(std::span<const float> values);

}  // namespace cambium
