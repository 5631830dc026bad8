#include "model/native/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/native/row_kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/native/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::model::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using RowFloats = hn::CappedTag<float, 16>;

// Sum of term(x_i) over the row; four running sums, then the rest one by one.
template <class Term, class One>
HWY_INLINE float row_sum(const float* HWY_RESTRICT x, std::size_t n, const Term& term, const One& one) {
  const RowFloats f;
  const std::size_t lanes = hn::Lanes(f);
  auto s0 = hn::Zero(f), s1 = s0, s2 = s0, s3 = s0;
  std::size_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    s0 = term(hn::LoadU(f, x + i), s0);
    s1 = term(hn::LoadU(f, x + i + lanes), s1);
    s2 = term(hn::LoadU(f, x + i + 2 * lanes), s2);
    s3 = term(hn::LoadU(f, x + i + 3 * lanes), s3);
  }
  float sum = hn::GetLane(hn::SumOfLanes(f, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < n; ++i) sum += one(x[i]);
  return sum;
}

// out[i] = vector(i) for whole vectors, single(i) for the rest.
template <class Whole, class Single>
HWY_INLINE void row_map(std::size_t n, const Whole& whole, const Single& single) {
  const std::size_t lanes = hn::Lanes(RowFloats());
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) whole(i);
  for (; i < n; ++i) single(i);
}

void rms_row(const float* x, const float* weight, std::size_t n, float epsilon, bool plus_one, float* out) {
  const RowFloats f;
  const float squares = row_sum(
      x, n, [&](auto v, auto sum) { return hn::MulAdd(v, v, sum); }, [](float v) { return v * v; });
  const float scale = 1.0F / std::sqrt(squares / static_cast<float>(n) + epsilon);
  const float add = plus_one ? 1.0F : 0.0F;
  const auto scales = hn::Set(f, scale), adds = hn::Set(f, add);
  row_map(
      n,
      [&](std::size_t i) {
        const auto factor = hn::Add(hn::LoadU(f, weight + i), adds);
        hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(f, x + i), scales), factor), f, out + i);
      },
      [&](std::size_t i) { out[i] = x[i] * scale * (weight[i] + add); });
}

void layer_row(const float* HWY_RESTRICT x, const float* HWY_RESTRICT weight, const float* HWY_RESTRICT bias,
               std::size_t n, float epsilon, float* HWY_RESTRICT out) {
  const RowFloats f;
  const float count = static_cast<float>(n);
  const float mean = row_sum(
                         x, n, [](auto v, auto sum) { return hn::Add(sum, v); }, [](float v) { return v; }) /
                     count;
  const auto means = hn::Set(f, mean);
  const float squares = row_sum(
      x, n,
      [&](auto v, auto sum) {
        const auto difference = hn::Sub(v, means);
        return hn::MulAdd(difference, difference, sum);
      },
      [&](float v) { return (v - mean) * (v - mean); });
  const float scale = 1.0F / std::sqrt(squares / count + epsilon);
  const auto scales = hn::Set(f, scale);
  row_map(
      n,
      [&](std::size_t i) {
        const auto normed = hn::Mul(hn::Sub(hn::LoadU(f, x + i), means), scales);
        const auto shift = bias == nullptr ? hn::Zero(f) : hn::LoadU(f, bias + i);
        hn::StoreU(hn::Add(hn::Mul(normed, hn::LoadU(f, weight + i)), shift), f, out + i);
      },
      [&](std::size_t i) { out[i] = (x[i] - mean) * scale * weight[i] + (bias == nullptr ? 0.0F : bias[i]); });
}

void rotate_row(float* HWY_RESTRICT head, const float* HWY_RESTRICT cosine, const float* HWY_RESTRICT sine,
                std::size_t half) {
  const RowFloats f;
  float* HWY_RESTRICT upper = head + half;
  row_map(
      half,
      [&](std::size_t i) {
        const auto a = hn::LoadU(f, head + i), b = hn::LoadU(f, upper + i);
        const auto c = hn::LoadU(f, cosine + i), s = hn::LoadU(f, sine + i);
        hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), f, head + i);
        hn::StoreU(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), f, upper + i);
      },
      [&](std::size_t i) {
        const float a = head[i], b = upper[i];
        head[i] = a * cosine[i] - b * sine[i];
        upper[i] = b * cosine[i] + a * sine[i];
      });
}

void cap_row(float* HWY_RESTRICT x, std::size_t n, float cap) {
  const RowFloats f;
  const auto caps = hn::Set(f, cap), inverse = hn::Set(f, 1.0F / cap);
  row_map(
      n,
      [&](std::size_t i) {
        hn::StoreU(hn::Mul(caps, hyperbolic_tangent(f, hn::Mul(hn::LoadU(f, x + i), inverse))), f, x + i);
      },
      [&](std::size_t i) { x[i] = cap * std::tanh(x[i] / cap); });
}

LogitSummary summary_of(const float* HWY_RESTRICT logits, std::size_t n) {
  const RowFloats f;
  const std::size_t lanes = hn::Lanes(f);
  LogitSummary summary;
  summary.largest = -std::numeric_limits<float>::infinity();
  auto largest = hn::Set(f, summary.largest);
  std::size_t i = 0;
  // x > largest ? x : largest keeps the old value where x is NaN.
  for (; i + lanes <= n; i += lanes) {
    const auto x = hn::LoadU(f, logits + i);
    largest = hn::IfThenElse(hn::Gt(x, largest), x, largest);
  }
  summary.largest = hn::GetLane(hn::MaxOfLanes(f, largest));
  for (; i < n; ++i) summary.largest = logits[i] > summary.largest ? logits[i] : summary.largest;
  const auto sought = hn::Set(f, summary.largest);
  std::size_t place = 0;
  while (place + lanes <= n && hn::AllFalse(f, hn::Eq(hn::LoadU(f, logits + place), sought))) place += lanes;
  while (place < n && !(logits[place] == summary.largest)) ++place;
  summary.best = place < n ? place : 0;

  // Short runs are summed in float32, the runs in float64.
  constexpr std::size_t kRun = 1024;
  double total = 0;
  for (std::size_t first = 0; first < n; first += kRun) {
    const std::size_t last = std::min(n, first + kRun);
    auto sum = hn::Zero(f);
    std::size_t j = first;
    for (; j + lanes <= last; j += lanes) sum = hn::Add(sum, hn::Exp(f, hn::Sub(hn::LoadU(f, logits + j), sought)));
    total += static_cast<double>(hn::GetLane(hn::SumOfLanes(f, sum)));
    for (; j < last; ++j) total += std::exp(static_cast<double>(logits[j] - summary.largest));
  }
  summary.log_sum_exp = static_cast<double>(summary.largest) + std::log(total);
  return summary;
}

}  // namespace cambium::model::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::model {

HWY_EXPORT(rms_row);
HWY_EXPORT(layer_row);
HWY_EXPORT(rotate_row);
HWY_EXPORT(cap_row);
HWY_EXPORT(summary_of);

void rms_norm_row(const float* x, const float* weight, std::size_t n, float epsilon, bool plus_one, float* out) {
  HWY_DYNAMIC_DISPATCH(rms_row)(x, weight, n, epsilon, plus_one, out);
}

void layer_norm_row(const float* x, const float* weight, const float* bias, std::size_t n, float epsilon, float* out) {
  HWY_DYNAMIC_DISPATCH(layer_row)(x, weight, bias, n, epsilon, out);
}

void rotate_head(float* head, const float* cosine, const float* sine, std::size_t half) {
  HWY_DYNAMIC_DISPATCH(rotate_row)(head, cosine, sine, half);
}

void soft_cap(float* x, std::size_t n, float cap) { HWY_DYNAMIC_DISPATCH(cap_row)(x, n, cap); }

LogitSummary summarize_logits(const float* logits, std::size_t n) {
  return HWY_DYNAMIC_DISPATCH(summary_of)(logits, n);
}

}  // namespace cambium::model
#endif
