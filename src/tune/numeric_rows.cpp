#include "tune/numeric_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tune/numeric_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/native/activation-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::tune::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Floats>;

float widen_one(std::uint16_t bits) {
  const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
  float value = 0;
  std::memcpy(&value, &wide, sizeof value);
  return value;
}

std::uint16_t narrow_one(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16);
}

// A row of float32: whole vectors and single elements.
struct WideRow {
  float* data;
  HWY_INLINE Vector load(std::int64_t i) const { return hn::LoadU(Floats(), data + i); }
  HWY_INLINE void store(std::int64_t i, Vector v) const { hn::StoreU(v, Floats(), data + i); }
  HWY_INLINE float at(std::int64_t i) const { return data[i]; }
  HWY_INLINE void put(std::int64_t i, float v) const { data[i] = v; }
};

// A row of bfloat16, rounded to nearest even.
struct NarrowRow {
  std::uint16_t* data;
  HWY_INLINE Vector load(std::int64_t i) const {
    const Floats f;
    const hn::RebindToUnsigned<Floats> u32;
    const hn::Rebind<std::uint16_t, Floats> u16;
    return hn::BitCast(f, hn::ShiftLeft<16>(hn::PromoteTo(u32, hn::LoadU(u16, data + i))));
  }
  HWY_INLINE void store(std::int64_t i, Vector v) const {
    const hn::RebindToUnsigned<Floats> u32;
    const hn::RebindToSigned<Floats> i32;
    const hn::Rebind<std::uint16_t, Floats> u16;
    const auto bits = hn::BitCast(u32, v);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u32, 1U));
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(u32, 0x7FFFU)), odd));
    hn::StoreU(hn::DemoteTo(u16, hn::BitCast(i32, rounded)), u16, data + i);
  }
  HWY_INLINE float at(std::int64_t i) const { return widen_one(data[i]); }
  HWY_INLINE void put(std::int64_t i, float v) const { data[i] = narrow_one(v); }
};

template <class Use>
HWY_INLINE auto typed(Row row, const Use& use) {
  if (row.type == RowType::kBFloat16) return use(NarrowRow{static_cast<std::uint16_t*>(row.data)});
  return use(WideRow{static_cast<float*>(row.data)});
}

// whole(i) for whole vectors of [0, n), single(i) for the rest.
template <class Whole, class Single>
HWY_INLINE void each(std::int64_t n, const Whole& whole, const Single& single) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(Floats()));
  std::int64_t i = 0;
  for (; i + lanes <= n; i += lanes) whole(i);
  for (; i < n; ++i) single(i);
}

HWY_INLINE float total(Vector v) { return hn::GetLane(hn::SumOfLanes(Floats(), v)); }

float rms_forward_rows(Row x, Row delta, Row sum, const float* weight, std::int64_t n, float epsilon, Row y) {
  const Floats f;
  return typed(x, [&](auto xs) {
    using R = decltype(xs);
    const R deltas{static_cast<decltype(xs.data)>(delta.data)}, sums{static_cast<decltype(xs.data)>(sum.data)};
    const R ys{static_cast<decltype(xs.data)>(y.data)};
    const bool adds = delta.data != nullptr;
    const R& source = adds ? sums : xs;
    Vector squares = hn::Zero(f);
    float rest = 0;
    each(
        n,
        [&](std::int64_t i) {
          if (adds) sums.store(i, hn::Add(xs.load(i), deltas.load(i)));
          const Vector v = source.load(i);
          squares = hn::MulAdd(v, v, squares);
        },
        [&](std::int64_t i) {
          if (adds) sums.put(i, xs.at(i) + deltas.at(i));
          const float v = source.at(i);
          rest += v * v;
        });
    const float inverse = 1.0F / std::sqrt((total(squares) + rest) / static_cast<float>(n) + epsilon);
    const Vector scale = hn::Set(f, inverse);
    each(
        n, [&](std::int64_t i) { ys.store(i, hn::Mul(hn::Mul(source.load(i), scale), hn::LoadU(f, weight + i))); },
        [&](std::int64_t i) { ys.put(i, source.at(i) * inverse * weight[i]); });
    return inverse;
  });
}

void rms_backward_rows(Row x, Row dy, Row passed, const float* weight, float inverse_rms, std::int64_t n, Row dx,
                       float* dweight) {
  const Floats f;
  typed(x, [&](auto xs) {
    using R = decltype(xs);
    const R dys{static_cast<decltype(xs.data)>(dy.data)}, outs{static_cast<decltype(xs.data)>(dx.data)};
    const R more{static_cast<decltype(xs.data)>(passed.data)};
    Vector products = hn::Zero(f);
    float rest = 0;
    each(
        n,
        [&](std::int64_t i) {
          products = hn::MulAdd(hn::Mul(xs.load(i), dys.load(i)), hn::LoadU(f, weight + i), products);
        },
        [&](std::int64_t i) { rest += xs.at(i) * dys.at(i) * weight[i]; });
    const float back = -(total(products) + rest) * inverse_rms * inverse_rms * inverse_rms / static_cast<float>(n);
    const Vector r = hn::Set(f, inverse_rms), b = hn::Set(f, back);
    each(
        n,
        [&](std::int64_t i) {
          const Vector v = xs.load(i), g = dys.load(i);
          Vector out = hn::MulAdd(v, b, hn::Mul(hn::Mul(g, hn::LoadU(f, weight + i)), r));
          if (more.data != nullptr) out = hn::Add(out, more.load(i));
          if (dweight != nullptr) hn::StoreU(hn::MulAdd(hn::Mul(g, v), r, hn::LoadU(f, dweight + i)), f, dweight + i);
          outs.store(i, out);
        },
        [&](std::int64_t i) {
          const float v = xs.at(i), g = dys.at(i);
          if (dweight != nullptr) dweight[i] += g * v * inverse_rms;
          outs.put(i, v * back + g * weight[i] * inverse_rms + (more.data != nullptr ? more.at(i) : 0.0F));
        });
    return 0;
  });
}

void rotate_rows(Row heads, std::int64_t count, std::int64_t head_dim, const float* HWY_RESTRICT cosine,
                 const float* HWY_RESTRICT sine, std::int64_t half, float sign) {
  const Floats f;
  typed(heads, [&](auto all) {
    using R = decltype(all);
    const Vector signs = hn::Set(f, sign);
    for (std::int64_t head = 0; head < count; ++head) {
      const R lower{all.data + head * head_dim}, upper{all.data + head * head_dim + half};
      each(
          half,
          [&](std::int64_t i) {
            const Vector a = lower.load(i), b = upper.load(i);
            const Vector c = hn::LoadU(f, cosine + i), s = hn::Mul(signs, hn::LoadU(f, sine + i));
            lower.store(i, hn::Sub(hn::Mul(a, c), hn::Mul(b, s)));
            upper.store(i, hn::Add(hn::Mul(b, c), hn::Mul(a, s)));
          },
          [&](std::int64_t i) {
            const float a = lower.at(i), b = upper.at(i), s = sign * sine[i];
            lower.put(i, a * cosine[i] - b * s);
            upper.put(i, b * cosine[i] + a * s);
          });
    }
    return 0;
  });
}

void silu_forward_rows(Row gate_up, std::int64_t n, Row out) {
  const Floats f;
  typed(gate_up, [&](auto gates) {
    using R = decltype(gates);
    const R ups{gates.data + n}, outs{static_cast<decltype(gates.data)>(out.data)};
    each(
        n,
        [&](std::int64_t i) {
          const Vector g = gates.load(i);
          outs.store(i, hn::Mul(hn::Mul(g, model::HWY_NAMESPACE::sigmoid(f, g)), ups.load(i)));
        },
        [&](std::int64_t i) {
          const float g = gates.at(i);
          outs.put(i, g / (1.0F + std::exp(-g)) * ups.at(i));
        });
    return 0;
  });
}

void silu_backward_rows(Row gate_up, Row gradient, std::int64_t n, Row dgate_up) {
  const Floats f;
  typed(gate_up, [&](auto gates) {
    using R = decltype(gates);
    const R ups{gates.data + n}, grads{static_cast<decltype(gates.data)>(gradient.data)};
    const R dgates{static_cast<decltype(gates.data)>(dgate_up.data)};
    const R dups{dgates.data + n};
    const Vector one = hn::Set(f, 1.0F);
    each(
        n,
        [&](std::int64_t i) {
          const Vector g = gates.load(i), d = grads.load(i);
          const Vector s = model::HWY_NAMESPACE::sigmoid(f, g);
          const Vector slope = hn::Mul(s, hn::MulAdd(g, hn::Sub(one, s), one));
          dgates.store(i, hn::Mul(hn::Mul(d, ups.load(i)), slope));
          dups.store(i, hn::Mul(d, hn::Mul(g, s)));
        },
        [&](std::int64_t i) {
          const float g = gates.at(i), d = grads.at(i), s = 1.0F / (1.0F + std::exp(-g));
          dgates.put(i, d * ups.at(i) * s * (1.0F + g * (1.0F - s)));
          dups.put(i, d * g * s);
        });
    return 0;
  });
}

double cross_entropy_rows(Row logits, std::int64_t n, std::int64_t target, float cap, float scale) {
  const Floats f;
  return typed(logits, [&](auto row) {
    const Vector caps = hn::Set(f, cap), inverse_cap = hn::Set(f, cap > 0 ? 1.0F / cap : 0.0F);
    Vector largest = hn::Set(f, -std::numeric_limits<float>::infinity());
    float most = -std::numeric_limits<float>::infinity();
    each(
        n,
        [&](std::int64_t i) {
          Vector v = row.load(i);
          if (cap > 0) {
            v = hn::Mul(caps, model::HWY_NAMESPACE::hyperbolic_tangent(f, hn::Mul(v, inverse_cap)));
            row.store(i, v);
          }
          largest = hn::Max(largest, v);
        },
        [&](std::int64_t i) {
          float v = row.at(i);
          if (cap > 0) {
            v = cap * std::tanh(v / cap);
            row.put(i, v);
          }
          most = std::max(most, v);
        });
    most = std::max(most, hn::GetLane(hn::MaxOfLanes(f, largest)));
    const Vector top = hn::Set(f, most);
    // Short runs are summed in float32, the runs in float64.
    constexpr std::int64_t kRun = 2048;
    double sum = 0;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
    for (std::int64_t first = 0; first < n; first += kRun) {
      const std::int64_t last = std::min(n, first + kRun);
      Vector part = hn::Zero(f);
      std::int64_t i = first;
      for (; i + lanes <= last; i += lanes) part = hn::Add(part, hn::Exp(f, hn::Sub(row.load(i), top)));
      sum += static_cast<double>(total(part));
      for (; i < last; ++i) sum += std::exp(static_cast<double>(row.at(i) - most));
    }
    const double loss = static_cast<double>(most) + std::log(sum) - static_cast<double>(row.at(target));
    if (scale != 0.0F) {
      const float factor = static_cast<float>(static_cast<double>(scale) / sum);
      const Vector factors = hn::Set(f, factor), one = hn::Set(f, 1.0F);
      const float target_logit = row.at(target);
      each(
          n,
          [&](std::int64_t i) {
            const Vector v = row.load(i);
            Vector g = hn::Mul(factors, hn::Exp(f, hn::Sub(v, top)));
            if (cap > 0) {
              const Vector t = hn::Mul(v, inverse_cap);
              g = hn::Mul(g, hn::Sub(one, hn::Mul(t, t)));
            }
            row.store(i, g);
          },
          [&](std::int64_t i) {
            const float v = row.at(i);
            const float slope = cap > 0 ? 1.0F - v / cap * (v / cap) : 1.0F;
            row.put(i, factor * std::exp(v - most) * slope);
          });
      const float slope = cap > 0 ? 1.0F - target_logit / cap * (target_logit / cap) : 1.0F;
      row.put(target, (factor * std::exp(target_logit - most) - scale) * slope);
    }
    return loss;
  });
}

double squares_of(Row values, std::int64_t n) {
  const Floats f;
  return typed(values, [&](auto row) {
    constexpr std::int64_t kRun = 1024;
    double sum = 0;
    for (std::int64_t first = 0; first < n; first += kRun) {
      using R = decltype(row);
      const R run{row.data + first};
      Vector part = hn::Zero(f);
      float rest = 0;
      each(
          std::min(kRun, n - first),
          [&](std::int64_t i) {
            const Vector v = run.load(i);
            part = hn::MulAdd(v, v, part);
          },
          [&](std::int64_t i) { rest += run.at(i) * run.at(i); });
      sum += static_cast<double>(total(part)) + static_cast<double>(rest);
    }
    return sum;
  });
}

void add_rows(float* target, Row source, std::int64_t n) {
  const Floats f;
  typed(source, [&](auto row) {
    each(
        n, [&](std::int64_t i) { hn::StoreU(hn::Add(hn::LoadU(f, target + i), row.load(i)), f, target + i); },
        [&](std::int64_t i) { target[i] += row.at(i); });
    return 0;
  });
}

// 32 well mixed bits for each element of a vector that starts at `index` (the finaliser of MurmurHash3).
template <class U32>
HWY_INLINE hn::Vec<U32> noise(U32 u32, std::uint32_t index, std::uint32_t seed) {
  auto h = hn::Add(hn::Iota(u32, index), hn::Set(u32, seed));
  h = hn::Xor(h, hn::ShiftRight<16>(h));
  h = hn::Mul(h, hn::Set(u32, 0x85EBCA6BU));
  h = hn::Xor(h, hn::ShiftRight<13>(h));
  h = hn::Mul(h, hn::Set(u32, 0xC2B2AE35U));
  return hn::Xor(h, hn::ShiftRight<16>(h));
}

struct Moments {
  Vector m, v, value;
};

HWY_INLINE Moments adam_vector(Vector value, Vector gradient, Vector m, Vector v, const AdamStep& step) {
  const Floats f;
  const Vector g = hn::Mul(gradient, hn::Set(f, step.gradient_scale));
  const Vector b2 = hn::Set(f, step.beta2);
  m = hn::MulAdd(hn::Set(f, 1.0F - step.beta1), hn::Sub(g, m), m);
  v = hn::MulAdd(hn::Mul(hn::Set(f, 1.0F - step.beta2), g), g, hn::Mul(v, b2));
  const Vector root = hn::MulAdd(hn::Sqrt(v), hn::Set(f, step.inverse_root_correction), hn::Set(f, step.epsilon));
  value = hn::Mul(value, hn::Set(f, step.shrink));
  value = hn::NegMulAdd(hn::Set(f, step.step_size), hn::Div(m, root), value);
  return {m, v, value};
}

template <class P, class G, class S>
HWY_INLINE void adam_rows(P values, float* master, G gradients, S first, S second, Row anchor, std::int64_t n,
                          std::int64_t first_index, const AdamStep& step, bool stochastic) {
  const Floats f;
  const hn::RebindToUnsigned<Floats> u32;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(f));
  const P anchors{static_cast<decltype(values.data)>(anchor.data)};
  const Vector pull = hn::Set(f, step.pull);
  // The last elements go through a vector's buffer, so that every element is computed in the same way.
  for (std::int64_t i = 0; i < n; i += lanes) {
    const bool whole = i + lanes <= n;
    float value_in[16] = {}, gradient_in[16] = {}, m_in[16] = {}, v_in[16] = {}, anchor_in[16] = {};
    Vector value, gradient, m, v, base = hn::Zero(f);
    if (whole) {
      value = master != nullptr ? hn::LoadU(f, master + i) : values.load(i);
      gradient = gradients.load(i);
      m = first.load(i);
      v = second.load(i);
      if (anchors.data != nullptr) base = anchors.load(i);
    } else {
      for (std::int64_t j = i; j < n; ++j) {
        value_in[j - i] = master != nullptr ? master[j] : values.at(j);
        gradient_in[j - i] = gradients.at(j);
        m_in[j - i] = first.at(j);
        v_in[j - i] = second.at(j);
        if (anchors.data != nullptr) anchor_in[j - i] = anchors.at(j);
      }
      value = hn::LoadU(f, value_in);
      gradient = hn::LoadU(f, gradient_in);
      m = hn::LoadU(f, m_in);
      v = hn::LoadU(f, v_in);
      base = hn::LoadU(f, anchor_in);
    }
    const Vector before = value;
    Moments next = adam_vector(value, gradient, m, v, step);
    if (anchors.data != nullptr) next.value = hn::NegMulAdd(pull, hn::Sub(before, base), next.value);
    if (master == nullptr && stochastic) {
      const auto low =
          hn::And(noise(u32, static_cast<std::uint32_t>(first_index + i), step.noise_seed), hn::Set(u32, 0xFFFFU));
      const auto raised = hn::Add(hn::BitCast(u32, next.value), low);
      next.value = hn::BitCast(f, hn::And(raised, hn::Set(u32, 0xFFFF0000U)));
    }
    if (whole) {
      if (master != nullptr) hn::StoreU(next.value, f, master + i);
      values.store(i, next.value);
      first.store(i, next.m);
      second.store(i, next.v);
    } else {
      hn::StoreU(next.value, f, value_in);
      hn::StoreU(next.m, f, m_in);
      hn::StoreU(next.v, f, v_in);
      for (std::int64_t j = i; j < n; ++j) {
        if (master != nullptr) master[j] = value_in[j - i];
        values.put(j, value_in[j - i]);
        first.put(j, m_in[j - i]);
        second.put(j, v_in[j - i]);
      }
    }
  }
}

void adam_all(Row values, float* master, Row gradient, Row first_moment, Row second_moment, Row anchor, std::int64_t n,
              std::int64_t first_index, const AdamStep& step, bool stochastic) {
  typed(values, [&](auto value_row) {
    return typed(gradient, [&](auto gradient_row) {
      return typed(first_moment, [&](auto moment_row) {
        using S = decltype(moment_row);
        adam_rows(value_row, master, gradient_row, moment_row,
                  S{static_cast<decltype(moment_row.data)>(second_moment.data)}, anchor, n, first_index, step,
                  stochastic);
        return 0;
      });
    });
  });
}

}  // namespace cambium::tune::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::tune {

HWY_EXPORT(rms_forward_rows);
HWY_EXPORT(rms_backward_rows);
HWY_EXPORT(rotate_rows);
HWY_EXPORT(silu_forward_rows);
HWY_EXPORT(silu_backward_rows);
HWY_EXPORT(cross_entropy_rows);
HWY_EXPORT(squares_of);
HWY_EXPORT(add_rows);
HWY_EXPORT(adam_all);

float rms_forward(Row x, Row delta, Row sum, const float* weight, std::int64_t n, float epsilon, Row y) {
  return HWY_DYNAMIC_DISPATCH(rms_forward_rows)(x, delta, sum, weight, n, epsilon, y);
}
void rms_backward(Row x, Row dy, Row passed, const float* weight, float inverse_rms, std::int64_t n, Row dx,
                  float* dweight) {
  HWY_DYNAMIC_DISPATCH(rms_backward_rows)(x, dy, passed, weight, inverse_rms, n, dx, dweight);
}
void rotate_heads(Row heads, std::int64_t count, std::int64_t head_dim, const float* cosine, const float* sine,
                  std::int64_t half, float sign) {
  HWY_DYNAMIC_DISPATCH(rotate_rows)(heads, count, head_dim, cosine, sine, half, sign);
}
void silu_gate_forward(Row gate_up, std::int64_t n, Row out) {
  HWY_DYNAMIC_DISPATCH(silu_forward_rows)(gate_up, n, out);
}
void silu_gate_backward(Row gate_up, Row gradient, std::int64_t n, Row dgate_up) {
  HWY_DYNAMIC_DISPATCH(silu_backward_rows)(gate_up, gradient, n, dgate_up);
}
double cross_entropy_row(Row logits, std::int64_t n, std::int64_t target, float cap, float scale) {
  return HWY_DYNAMIC_DISPATCH(cross_entropy_rows)(logits, n, target, cap, scale);
}
double sum_of_squares(Row values, std::int64_t n) { return HWY_DYNAMIC_DISPATCH(squares_of)(values, n); }
void add_into(float* target, Row source, std::int64_t n) { HWY_DYNAMIC_DISPATCH(add_rows)(target, source, n); }
void adam_update(Row values, float* master, Row gradient, Row first_moment, Row second_moment, Row anchor,
                 std::int64_t n, std::int64_t first_index, const AdamStep& step, bool stochastic) {
  HWY_DYNAMIC_DISPATCH(adam_all)
  (values, master, gradient, first_moment, second_moment, anchor, n, first_index, step, stochastic);
}

}  // namespace cambium::tune
#endif
