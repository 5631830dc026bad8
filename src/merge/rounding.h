#pragma once

#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace cambium::merge {

/// To which type a step of a method is rounded: mergekit computes in the recipe's dtype, so selecting by magnitude or
/// electing signs depends on values that went through it. Float32 holds every value of the others.
enum class Rounding : std::uint8_t { kNone, kBF16, kF16 };

/// F32 and F64 give kNone: arithmetic is float32.
[[nodiscard]] Rounding rounding_of(DType dtype);

/// Nearest value of the type, ties to even; too large for F16 gives infinity.
[[nodiscard]] float rounded(Rounding rounding, float value);
void round_all(Rounding rounding, std::span<float> values);

}  // namespace cambium::merge
