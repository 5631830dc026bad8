#pragma once

#include <span>

#include "merge/rounding.h"

namespace cambium::merge {

// Sums of one piece in float64: element i goes to partial sum i mod 16, and these are added in a fixed order, so that
// every machine, thread count and vector width gives the same bits. Products of two float32 are exact in float64.

/// sum_i x[i] * y[i]
[[nodiscard]] double dot(std::span<const float> x, std::span<const float> y);
/// sum_i R(x[i] * y[i])
[[nodiscard]] double dot(Rounding rounding, std::span<const float> x, std::span<const float> y);
/// sum_i |x[i]|
[[nodiscard]] double sum_of_magnitudes(std::span<const float> x);
/// sum_i |x[i] - y[i]|, the difference rounded to float32
[[nodiscard]] double sum_of_distances(std::span<const float> x, std::span<const float> y);

/// sums[c] += x[c], and the like for whole rows: each column has its own sum.
void add_magnitudes(std::span<const float> x, std::span<double> sums);
void add_products(std::span<const float> x, std::span<const float> y, std::span<double> sums);

}  // namespace cambium::merge
