#pragma once

#include <span>

#include "merge/rounding.h"

namespace cambium::merge {

/// sum_i p_i ln(p_i / q_i) of one row, p = softmax(tuned) + 1e-8 and q = softmax(base) + 1e-8: how much a row of
/// weights changed its shape, as arcee_fusion measures it. Each step is rounded to the compute type. Cost: three
/// exponentials and a logarithm an element, in float64 SIMD.
[[nodiscard]] float softmax_divergence(Rounding rounding, std::span<const float> tuned, std::span<const float> base);

}  // namespace cambium::merge
