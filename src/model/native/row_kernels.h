#pragma once

#include <cstddef>

namespace cambium::model {

/// out = x / sqrt(mean(x^2) + epsilon) * weight, or * (1 + weight). n values each.
void rms_norm_row(const float* x, const float* weight, std::size_t n, float epsilon, bool plus_one, float* out);

/// out = (x - mean(x)) / sqrt(var(x) + epsilon) * weight + bias (bias may be null).
void layer_norm_row(const float* x, const float* weight, const float* bias, std::size_t n, float epsilon, float* out);

/// Turns the first 2 * half values of a head, taken as two halves, by the angles of one position.
/// @param cosine, sine  half values each
void rotate_head(float* head, const float* cosine, const float* sine, std::size_t half);

/// x = cap * tanh(x / cap)
void soft_cap(float* x, std::size_t n, float cap);

/// What scoring and greedy choice need of one row of logits.
struct LogitSummary {
  std::size_t best = 0;  ///< index of the largest logit; the first of equals
  float largest = 0;
  double log_sum_exp = 0;  ///< log of the sum of exp(logit): log p(i) = logit_i - log_sum_exp
};
/// @param n  >= 1. NaN logits are never the best.
[[nodiscard]] LogitSummary summarize_logits(const float* logits, std::size_t n);

}  // namespace cambium::model
