#include "merge/element_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/element_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "merge/rounding_steps.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

void subtract_base(Rounding rounding, const float* base, float* values, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      hn::StoreU(round(hn::Sub(hn::LoadU(f, values + i), hn::LoadU(f, base + i))), f, values + i);
    });
  });
}

void scale_values(Rounding rounding, float factor, float* values, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      hn::StoreU(round(hn::Mul(hn::LoadU(f, values + i), hn::Set(f, factor))), f, values + i);
    });
  });
}

void take_magnitudes(const float* values, float* out, std::size_t count) {
  for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
    const auto size = hn::Abs(hn::LoadU(f, values + i));
    hn::StoreU(hn::IfThenElse(hn::IsNaN(size), hn::Inf(f), size), f, out + i);
  });
}

void take_distances(Rounding rounding, const float* base, const float* values, float* out, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      const auto size = hn::Abs(round(hn::Sub(hn::LoadU(f, values + i), hn::LoadU(f, base + i))));
      hn::StoreU(hn::IfThenElse(hn::IsNaN(size), hn::Inf(f), size), f, out + i);
    });
  });
}

template <bool kBelow>
void zero_outside(float threshold, bool keep_equal, const float* scores, float* values, std::size_t count) {
  for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
    const auto size = hn::Abs(hn::LoadU(f, scores + i));
    const auto cut = hn::Set(f, threshold);
    const auto inside = kBelow ? hn::Gt(size, cut) : hn::Lt(size, cut);
    const auto kept = keep_equal ? hn::Or(inside, hn::Eq(size, cut)) : inside;
    hn::StoreU(hn::IfThenElseZero(kept, hn::LoadU(f, values + i)), f, values + i);
  });
}
void zero_small(float threshold, bool keep_equal, const float* scores, float* values, std::size_t count) {
  zero_outside<true>(threshold, keep_equal, scores, values, count);
}
void zero_large(float threshold, bool keep_equal, const float* scores, float* values, std::size_t count) {
  zero_outside<false>(threshold, keep_equal, scores, values, count);
}

// One rounding for product and sum on every machine: bit-equal results are promised for `linear`.
template <class V>
HWY_INLINE V multiply_add(V factor, V value, V sum) {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SCALAR
  const hn::DFromV<V> f;
  HWY_ALIGN float a[hn::MaxLanes(f)], b[hn::MaxLanes(f)], c[hn::MaxLanes(f)];
  hn::Store(factor, f, a);
  hn::Store(value, f, b);
  hn::Store(sum, f, c);
  for (std::size_t i = 0; i < hn::Lanes(f); ++i) c[i] = std::fma(a[i], b[i], c[i]);
  return hn::Load(f, c);
#else
  return hn::MulAdd(factor, value, sum);
#endif
}

void combine_inputs(const float* coefficients, const float* const* inputs, std::size_t number, float divisor,
                    float* out, std::size_t count) {
  for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
    auto sum = hn::Zero(f);
    for (std::size_t k = 0; k < number; ++k) {
      sum = multiply_add(hn::Set(f, coefficients[k]), hn::LoadU(f, inputs[k] + i), sum);
    }
    hn::StoreU(divisor == 1 ? sum : hn::Div(sum, hn::Set(f, divisor)), f, out + i);
  });
}

void blend_two(Rounding rounding, float first_factor, float second_factor, float divisor, const float* first,
               const float* second, const float* base, float* out, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      const auto one = round(hn::Mul(hn::Set(f, first_factor), hn::LoadU(f, first + i)));
      const auto other = round(hn::Mul(hn::Set(f, second_factor), hn::LoadU(f, second + i)));
      auto sum = round(hn::Add(one, other));
      if (divisor != 1) sum = round(hn::Div(sum, hn::Set(f, divisor)));
      if (base != nullptr) sum = round(hn::Add(hn::LoadU(f, base + i), sum));
      hn::StoreU(sum, f, out + i);
    });
  });
}

// The vectors are loaded once for their sum and once more, weighted, for those that agree with its sign.
template <class Round, bool kElect>
HWY_INLINE void mix_loop(const MixSteps& steps, float* const* vectors, std::size_t number, const float* base,
                         float* out, std::size_t count, Round round) {
  const float* weights = steps.weights.empty() ? nullptr : steps.weights.data();
  const float* rescales = steps.rescales.empty() ? nullptr : steps.rescales.data();
  for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
    const auto zero = hn::Zero(f);
    auto mixed = zero;
    for (std::size_t k = 0; k < number; ++k) {
      auto value = hn::LoadU(f, vectors[k] + i);
      if (rescales != nullptr) value = round(hn::Mul(value, hn::Set(f, rescales[k])));
      if (weights != nullptr) value = round(hn::Mul(value, hn::Set(f, weights[k])));
      if (kElect) hn::StoreU(value, f, vectors[k] + i);
      mixed = hn::Add(mixed, value);
    }
    mixed = round(mixed);
    auto divisor = hn::Set(f, steps.divisor);
    if constexpr (kElect) {
      const auto positive = hn::Ge(mixed, zero);
      mixed = divisor = zero;
      for (std::size_t k = 0; k < number; ++k) {
        const auto value = hn::LoadU(f, vectors[k] + i);
        const auto agrees = hn::Or(hn::And(positive, hn::Gt(value, zero)), hn::AndNot(positive, hn::Lt(value, zero)));
        mixed = hn::Add(mixed, hn::IfThenElseZero(agrees, value));
        const auto weight = hn::Set(f, weights == nullptr ? 1.0F : weights[k]);
        divisor = hn::Add(divisor, hn::IfThenElseZero(agrees, weight));
      }
      mixed = round(mixed);
      divisor = round(divisor);
      divisor = hn::IfThenElse(hn::Eq(divisor, zero), hn::Set(f, 1.0F), divisor);
    }
    if (steps.normalize) mixed = round(hn::Div(mixed, divisor));
    if (steps.lambda != 1) mixed = round(hn::Mul(mixed, hn::Set(f, steps.lambda)));
    hn::StoreU(round(hn::Add(hn::LoadU(f, base + i), mixed)), f, out + i);
  });
}

void mix_vectors(const MixSteps& steps, float* const* vectors, std::size_t number, const float* base, float* out,
                 std::size_t count) {
  with_rounding(steps.rounding, [&](auto round) HWY_ATTR {
    if (steps.elect_signs) {
      mix_loop<decltype(round), true>(steps, vectors, number, base, out, count, round);
    } else {
      mix_loop<decltype(round), false>(steps, vectors, number, base, out, count, round);
    }
  });
}

void swap_where_near(Rounding rounding, float t, const float* base, const float* tuned, float* out, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      const auto old = hn::LoadU(f, base + i);
      const auto fresh = hn::LoadU(f, tuned + i);
      const auto distance = hn::Max(hn::Abs(round(hn::Sub(old, fresh))), round(hn::Set(f, 1e-6F)));
      const auto ratio = round(hn::Mul(hn::Set(f, t), round(hn::Div(hn::Set(f, 1.0F), distance))));
      const auto weight = hn::Min(hn::Max(ratio, hn::Zero(f)), hn::Set(f, 1.0F));
      const auto rest = round(hn::Sub(hn::Set(f, 1.0F), weight));
      hn::StoreU(round(hn::Add(round(hn::Mul(weight, fresh)), round(hn::Mul(rest, old)))), f, out + i);
    });
  });
}

void blend_mean(Rounding rounding, float t, const float* const* tuned, std::size_t number, const float* base,
                float* out, std::size_t count) {
  const float rest = rounded(rounding, 1 - t);
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      auto mean = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) mean = round(hn::Add(mean, hn::LoadU(f, tuned[k] + i)));
      mean = round(hn::Div(mean, hn::Set(f, static_cast<float>(number))));
      const auto pulled = round(hn::Mul(hn::Set(f, t), mean));
      const auto stays = round(hn::Mul(hn::Set(f, rest), hn::LoadU(f, base + i)));
      hn::StoreU(round(hn::Add(pulled, stays)), f, out + i);
    });
  });
}

void take_variances(Rounding rounding, const float* const* vectors, std::size_t number, float* out, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      const auto share = hn::Set(f, 1.0F / static_cast<float>(number));
      auto mean = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) mean = hn::Add(mean, hn::LoadU(f, vectors[k] + i));
      mean = hn::Mul(mean, share);
      auto sum = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) {
        const auto off = hn::Sub(hn::LoadU(f, vectors[k] + i), mean);
        sum = hn::Add(sum, hn::Mul(off, off));
      }
      const auto variance = round(hn::Mul(sum, share));
      hn::StoreU(hn::IfThenElse(hn::IsNaN(variance), hn::Inf(f), variance), f, out + i);
    });
  });
}

void fuse(Rounding rounding, const float* weights, const float* const* vectors, std::size_t number, const float* base,
          float* out, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      auto sum = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) sum = hn::Add(sum, hn::LoadU(f, vectors[k] + i));
      const auto positive = hn::Ge(round(sum), hn::Zero(f));
      auto fused = hn::Zero(f);
      auto total = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) {
        const auto value = hn::LoadU(f, vectors[k] + i);
        const auto agrees =
            hn::Or(hn::And(positive, hn::Gt(value, hn::Zero(f))), hn::AndNot(positive, hn::Lt(value, hn::Zero(f))));
        const auto weight = hn::IfThenElseZero(agrees, hn::Set(f, weights[k]));
        fused = hn::Add(fused, round(hn::Mul(value, weight)));
        total = hn::Add(total, weight);
      }
      total = hn::Max(round(total), round(hn::Set(f, 1e-6F)));
      fused = round(hn::Div(round(fused), total));
      hn::StoreU(round(hn::Add(hn::LoadU(f, base + i), fused)), f, out + i);
    });
  });
}

void reinforce_vectors(Rounding rounding, bool round_sum, float epsilon, const float* alone,
                       const float* const* vectors, std::size_t number, const float* base, float* out,
                       std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
      const auto least = hn::Set(f, epsilon);
      const auto one = hn::Set(f, 1.0F);
      auto contributors = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) {
        const auto contributes = hn::Gt(hn::Abs(hn::LoadU(f, vectors[k] + i)), least);
        contributors = hn::Add(contributors, hn::IfThenElseZero(contributes, one));
      }
      const auto is_alone = hn::Eq(contributors, one);
      auto sum = hn::Zero(f);
      for (std::size_t k = 0; k < number; ++k) {
        const auto value = hn::LoadU(f, vectors[k] + i);
        const auto contributes = hn::Gt(hn::Abs(value), least);
        const auto share = hn::IfThenElse(is_alone, hn::Mul(value, hn::Set(f, alone[k])),
                                          round(hn::Div(value, hn::Max(contributors, one))));
        sum = hn::Add(sum, hn::IfThenElseZero(contributes, share));
      }
      if (round_sum) sum = round(sum);
      const auto merged = hn::Add(hn::LoadU(f, base + i), sum);
      hn::StoreU(round_sum ? round(merged) : merged, f, out + i);
    });
  });
}

void count_changes(float epsilon, const float* const* vectors, std::size_t number, std::size_t count, double* sole,
                   double* shared) {
  for_each_vector(count, [&](auto f, std::size_t i) HWY_ATTR {
    const auto least = hn::Set(f, epsilon);
    const auto one = hn::Set(f, 1.0F);
    auto contributors = hn::Zero(f);
    for (std::size_t k = 0; k < number; ++k) {
      const auto contributes = hn::Gt(hn::Abs(hn::LoadU(f, vectors[k] + i)), least);
      contributors = hn::Add(contributors, hn::IfThenElseZero(contributes, one));
    }
    const auto alone = hn::Eq(contributors, one);
    for (std::size_t k = 0; k < number; ++k) {
      const auto contributes = hn::Gt(hn::Abs(hn::LoadU(f, vectors[k] + i)), least);
      const std::size_t changes = hn::CountTrue(f, contributes);
      const std::size_t own = hn::CountTrue(f, hn::And(contributes, alone));
      sole[k] += static_cast<double>(own);
      shared[k] += static_cast<double>(changes - own);
    }
  });
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(subtract_base);
HWY_EXPORT(scale_values);
HWY_EXPORT(take_magnitudes);
HWY_EXPORT(take_distances);
HWY_EXPORT(zero_small);
HWY_EXPORT(zero_large);
HWY_EXPORT(combine_inputs);
HWY_EXPORT(blend_two);
HWY_EXPORT(mix_vectors);
HWY_EXPORT(swap_where_near);
HWY_EXPORT(blend_mean);
HWY_EXPORT(take_variances);
HWY_EXPORT(fuse);
HWY_EXPORT(reinforce_vectors);
HWY_EXPORT(count_changes);

void subtract(Rounding rounding, std::span<const float> base, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(subtract_base)(rounding, base.data(), values.data(), values.size());
}

void scale(Rounding rounding, float factor, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(scale_values)(rounding, factor, values.data(), values.size());
}

void magnitudes(std::span<const float> values, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(take_magnitudes)(values.data(), out.data(), out.size());
}

void distances(Rounding rounding, std::span<const float> base, std::span<const float> values, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(take_distances)(rounding, base.data(), values.data(), out.data(), out.size());
}

void zero_below(float threshold, bool keep_equal, std::span<const float> scores, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(zero_small)(threshold, keep_equal, scores.data(), values.data(), values.size());
}

void zero_above(float threshold, bool keep_equal, std::span<const float> scores, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(zero_large)(threshold, keep_equal, scores.data(), values.data(), values.size());
}

void combine(std::span<const float> coefficients, std::span<const float* const> inputs, float divisor,
             std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(combine_inputs)
  (coefficients.data(), inputs.data(), inputs.size(), divisor, out.data(), out.size());
}

void blend_pair(Rounding rounding, float first_factor, float second_factor, float divisor, std::span<const float> first,
                std::span<const float> second, std::span<const float> base, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(blend_two)
  (rounding, first_factor, second_factor, divisor, first.data(), second.data(), base.empty() ? nullptr : base.data(),
   out.data(), out.size());
}

void mix(const MixSteps& steps, std::span<float* const> vectors, std::span<const float> base, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(mix_vectors)(steps, vectors.data(), vectors.size(), base.data(), out.data(), out.size());
}

void swap_near(Rounding rounding, float t, std::span<const float> base, std::span<const float> tuned,
               std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(swap_where_near)(rounding, t, base.data(), tuned.data(), out.data(), out.size());
}

void blend_with_mean(Rounding rounding, float t, std::span<const float* const> tuned, std::span<const float> base,
                     std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(blend_mean)(rounding, t, tuned.data(), tuned.size(), base.data(), out.data(), out.size());
}

void variances(Rounding rounding, std::span<const float* const> vectors, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(take_variances)(rounding, vectors.data(), vectors.size(), out.data(), out.size());
}

void fuse_elected(Rounding rounding, std::span<const float> weights, std::span<const float* const> vectors,
                  std::span<const float> base, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(fuse)
  (rounding, weights.data(), vectors.data(), vectors.size(), base.data(), out.data(), out.size());
}

void reinforce(Rounding rounding, bool round_sum, float epsilon, std::span<const float> alone,
               std::span<const float* const> vectors, std::span<const float> base, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(reinforce_vectors)
  (rounding, round_sum, epsilon, alone.data(), vectors.data(), vectors.size(), base.data(), out.data(), out.size());
}

void count_contributors(float epsilon, std::span<const float* const> vectors, std::size_t count, std::span<double> sole,
                        std::span<double> shared) {
  HWY_DYNAMIC_DISPATCH(count_changes)(epsilon, vectors.data(), vectors.size(), count, sole.data(), shared.data());
}

}  // namespace cambium::merge
#endif
