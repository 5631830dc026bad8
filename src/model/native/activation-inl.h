// Nonlinearities on vectors of float32. Included once for each SIMD target.
#if defined(CAMBIUM_MODEL_NATIVE_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAMBIUM_MODEL_NATIVE_ACTIVATION_INL_H_
#undef CAMBIUM_MODEL_NATIVE_ACTIVATION_INL_H_
#else
#define CAMBIUM_MODEL_NATIVE_ACTIVATION_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "model/decoder_config.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::model::HWY_NAMESPACE {

namespace hm = hwy::HWY_NAMESPACE;

// 1 / (1 + exp(-x))
template <class D, class V = hm::Vec<D>>
HWY_INLINE V sigmoid(D d, V x) {
  const V one = hm::Set(d, 1.0F);
  return hm::Div(one, hm::Add(one, hm::Exp(d, hm::Neg(x))));
}

// tanh(x) = 1 - 2 / (exp(2 x) + 1); exact to float32's rounding except close to 0, where the absolute error stays below
// 1e-7.
template <class D, class V = hm::Vec<D>>
HWY_INLINE V hyperbolic_tangent(D d, V x) {
  const V one = hm::Set(d, 1.0F);
  // Beyond 10 the result is 1 in float32; the bound keeps exp finite.
  const V bounded = hm::Max(hm::Min(x, hm::Set(d, 10.0F)), hm::Set(d, -10.0F));
  return hm::Sub(one, hm::Div(hm::Set(d, 2.0F), hm::Add(hm::Exp(d, hm::Add(bounded, bounded)), one)));
}

// The normal distribution's share below x, (1 + erf(x / sqrt 2)) / 2, to 2e-7. With z = |x| / sqrt 2 and t = 1 / (1 + z
// / 2): erfc(z) = t exp(P(t) - z^2), P of degree 9 fitted by least squares at 400 Chebyshev nodes of t in [1/6, 1].
template <class D, class V = hm::Vec<D>>
HWY_INLINE V normal_share(D d, V x) {
  constexpr float kFit[] = {0.14493021F,   -0.6808272F,  1.1567338F, -0.69625193F, -0.08028043F,
                            0.0012675864F, 0.034602799F, 0.3866404F, 0.99863279F,  -1.26544797F};
  const V z = hm::Mul(hm::Abs(x), hm::Set(d, 0.70710678F));
  const V one = hm::Set(d, 1.0F);
  const V t = hm::Div(one, hm::MulAdd(z, hm::Set(d, 0.5F), one));
  V p = hm::Zero(d);
  for (const float coefficient : kFit) p = hm::MulAdd(p, t, hm::Set(d, coefficient));
  const V tail = hm::Mul(hm::Mul(hm::Set(d, 0.5F), t), hm::Exp(d, hm::NegMulAdd(z, z, p)));
  return hm::IfThenElse(hm::Lt(x, hm::Zero(d)), tail, hm::Sub(one, tail));
}

template <class D, class V = hm::Vec<D>>
HWY_INLINE V activated(D d, Activation activation, V x) {
  switch (activation) {
    case Activation::kSilu:
      return hm::Mul(x, sigmoid(d, x));
    case Activation::kGelu:
      return hm::Mul(x, normal_share(d, x));
    case Activation::kGeluTanh: {
      // x / 2 (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3)
      const V cubic = hm::Mul(hm::Mul(x, x), x);
      const V u = hm::Mul(hm::Set(d, 1.5957691F), hm::MulAdd(hm::Set(d, 0.044715F), cubic, x));
      return hm::Mul(x, sigmoid(d, u));
    }
    case Activation::kQuickGelu:
      return hm::Mul(x, sigmoid(d, hm::Mul(hm::Set(d, 1.702F), x)));
    case Activation::kRelu:
      return hm::Max(x, hm::Zero(d));
  }
  return x;
}

}  // namespace cambium::model::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
