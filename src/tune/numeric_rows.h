#pragma once

#include <cstdint>

namespace cambium::tune {

/// Element types of the rows that kernels read and write; they compute in float32.
enum class RowType : std::uint8_t { kFloat32, kBFloat16 };

/// A row of either type.
struct Row {
  void* data = nullptr;
  RowType type = RowType::kFloat32;
};

/// y = (x + delta) / rms(x + delta) * weight; x + delta is stored in `sum`.
/// @param delta  null: nothing is added, and `sum` is not written
/// @return 1 / rms
float rms_forward(Row x, Row delta, Row sum, const float* weight, std::int64_t n, float epsilon, Row y);

/// Gradient of x / rms(x) * weight: dx = passed + r w dy - x r^3 / n * sum(x w dy), and dweight += dy x r.
/// @param passed  gradient that reaches x beside the norm; null: none
/// @param dweight  float32, added to; null: not wanted
void rms_backward(Row x, Row dy, Row passed, const float* weight, float inverse_rms, std::int64_t n, Row dx,
                  float* dweight);

/// Turns the first 2 * half values of each head, taken as two halves, by the angles of one position.
/// @param sign  1, or -1 for the way back (the gradient)
void rotate_heads(Row heads, std::int64_t count, std::int64_t head_dim, const float* cosine, const float* sine,
                  std::int64_t half, float sign);

/// out = silu(gate) * up. @param gate_up  n values of the gate, then n of up
void silu_gate_forward(Row gate_up, std::int64_t n, Row out);
/// Gradients of silu(gate) * up.
void silu_gate_backward(Row gate_up, Row gradient, std::int64_t n, Row dgate_up);

/// -log softmax(logits)[target].
/// @param cap    logits are cap * tanh(logit / cap) first; 0: as they are
/// @param scale  if not 0: logits are replaced by scale * d(loss)/d(logit)
double cross_entropy_row(Row logits, std::int64_t n, std::int64_t target, float cap, float scale);

/// Sum of squares. Fixed order.
double sum_of_squares(Row values, std::int64_t n);

/// target += source, both of n values.
void add_into(float* target, Row source, std::int64_t n);

/// One AdamW step's numbers (arXiv:1711.05101), bias corrections worked in.
struct AdamStep {
  float gradient_scale = 1;  ///< clipping
  float beta1 = 0.9F, beta2 = 0.95F;
  float step_size = 0;                ///< rate / (1 - beta1^t)
  float inverse_root_correction = 1;  ///< 1 / sqrt(1 - beta2^t)
  float epsilon = 1e-8F;
  float shrink = 1;              ///< 1 - rate * weight decay
  float pull = 0;                ///< rate * strength of the pull towards `anchor`
  std::uint32_t noise_seed = 0;  ///< of stochastic rounding, with the element's number
};

/// Updates n parameters. @param values bf16 or float32  @param master float32 copy that is the truth, or null
/// @param anchor  values to be pulled towards, or null data  @param stochastic  round values up or down by chance, in
/// proportion (only bf16 without master)
void adam_update(Row values, float* master, Row gradient, Row first_moment, Row second_moment, Row anchor,
                 std::int64_t n, std::int64_t first_index, const AdamStep& step, bool stochastic);

}  // namespace cambium::tune
