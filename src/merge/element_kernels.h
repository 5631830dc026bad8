#pragma once

#include <cstddef>
#include <span>

#include "merge/rounding.h"

namespace cambium::merge {

// Loops over the elements of one piece: SIMD, chosen at run time; element_reference.h holds the same in plain C++. All
// spans of a call have the same size. `R` stands for rounding to the type a recipe computes in.

/// values = R(values - base)
void subtract(Rounding rounding, std::span<const float> base, std::span<float> values);

/// values = R(values * factor)
void scale(Rounding rounding, float factor, std::span<float> values);

/// out = |values|, NaN as infinity
void magnitudes(std::span<const float> values, std::span<float> out);
/// out = |R(values - base)|, NaN as infinity
void distances(Rounding rounding, std::span<const float> base, std::span<const float> values, std::span<float> out);

/// Zeroes values where |scores| < threshold, and where it equals the threshold unless keep_equal. `scores` may be
/// `values`.
void zero_below(float threshold, bool keep_equal, std::span<const float> scores, std::span<float> values);
/// Zeroes values where |scores| > threshold, and where it equals the threshold unless keep_equal. `scores` may be
/// `values`.
void zero_above(float threshold, bool keep_equal, std::span<const float> scores, std::span<float> values);

/// out = sum_i coefficients[i] * inputs[i] by fused multiply-add in the order of the inputs, starting from 0, then
/// divided by divisor.
/// @param divisor  1 leaves the sum as it is
void combine(std::span<const float> coefficients, std::span<const float* const> inputs, float divisor,
             std::span<float> out);

/// out = R(R(R(first_factor * first) + R(second_factor * second)) / divisor), plus R(base + that) unless base is empty.
void blend_pair(Rounding rounding, float first_factor, float second_factor, float divisor, std::span<const float> first,
                std::span<const float> second, std::span<const float> base, std::span<float> out);

/// How weighted task vectors become one (TIES, arXiv:2306.01708, section 3; without election plain task arithmetic).
struct MixSteps {
  Rounding rounding = Rounding::kNone;
  bool elect_signs = false;  ///< keep only what has the sign of the sum; ties elect +, exact zeros never agree
  bool normalize =
      false;  ///< divide by the weights (with election: of those that agree at that element; 1 if they sum to 0)
  float divisor = 1;  ///< used without election
  float lambda = 1;
  std::span<const float> weights = {};   ///< one per vector; none: every one is 1
  std::span<const float> rescales = {};  ///< one per vector; none: every one is 1
};

/// out = R(base + mixed) of the vectors R(weight_i * R(rescale_i * vectors[i])), which is what the vectors may become.
void mix(const MixSteps& steps, std::span<float* const> vectors, std::span<const float> base, std::span<float> out);

/// nearswap: w = clamp(R(t * R(1 / max(|base - tuned|, 1e-6))), 0, 1); out = R(R(w * tuned) + R(R(1 - w) * base))
void swap_near(Rounding rounding, float t, std::span<const float> base, std::span<const float> tuned,
               std::span<float> out);

/// model_stock: out = R(R(t * mean) + R((1 - t) * base)), mean = R(sum of tuned / count), each addition rounded
void blend_with_mean(Rounding rounding, float t, std::span<const float* const> tuned, std::span<const float> base,
                     std::span<float> out);

/// Population variance over the vectors at each element, rounded once.
void variances(Rounding rounding, std::span<const float* const> vectors, std::span<float> out);

/// sce: of R(vector_i) with the elected sign, out = R(base + R(R(sum v_i w_i) / max(R(sum w_i), 1e-6)))
void fuse_elected(Rounding rounding, std::span<const float> weights, std::span<const float* const> vectors,
                  std::span<const float> base, std::span<float> out);

/// ram: contributors of an element are the vectors with |v| > epsilon; a sole one is taken times alone[i], several are
/// averaged and rounded. out = base + sum of them, both steps rounded if round_sum.
void reinforce(Rounding rounding, bool round_sum, float epsilon, std::span<const float> alone,
               std::span<const float* const> vectors, std::span<const float> base, std::span<float> out);
/// For vector i, adds to sole[i] and shared[i] the number of elements it contributes to alone and with others.
void count_contributors(float epsilon, std::span<const float* const> vectors, std::size_t count, std::span<double> sole,
                        std::span<double> shared);

}  // namespace cambium::merge
