// The steps of rounding as Highway operations, for the kernels. Included once per target, inside foreach_target.

#if defined(CAMBIUM_MERGE_ROUNDING_STEPS) == defined(HWY_TARGET_TOGGLE)
#ifdef CAMBIUM_MERGE_ROUNDING_STEPS
#undef CAMBIUM_MERGE_ROUNDING_STEPS
#else
#define CAMBIUM_MERGE_ROUNDING_STEPS
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "merge/rounding.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

struct RoundNone {
  template <class V>
  HWY_INLINE V operator()(V values) const {
    return values;
  }
};

// A NaN stays one if its lower half is 0, as in every value that was rounded to bfloat16 on load and in what arithmetic
// makes of it.
struct RoundBF16 {
  template <class V>
  HWY_INLINE V operator()(V values) const {
    const hn::DFromV<V> f;
    const hn::RebindToUnsigned<decltype(f)> u;
    const auto bits = hn::BitCast(u, values);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(u, 1U));
    const auto sum = hn::Add(hn::Add(bits, hn::Set(u, 0x7fffU)), odd);
    return hn::BitCast(f, hn::And(sum, hn::Set(u, 0xffff0000U)));
  }
};

struct RoundF16 {
  template <class V>
  HWY_INLINE V operator()(V values) const {
    const hn::DFromV<V> f;
    const hn::RebindToUnsigned<decltype(f)> u;
    const auto bits = hn::BitCast(u, values);
    const auto odd = hn::And(hn::ShiftRight<13>(bits), hn::Set(u, 1U));
    const auto sum = hn::Add(hn::Add(bits, hn::Set(u, 0xfffU)), odd);
    const auto normal = hn::BitCast(f, hn::And(sum, hn::Set(u, 0xffffe000U)));
    // Below 2^-14 the step is 2^-24, that of floats in [0.5, 1).
    const auto size = hn::Abs(values);
    const auto magic = hn::Set(f, 0.5F);
    const auto subnormal = hn::CopySign(hn::Sub(hn::Add(size, magic), magic), values);
    const auto result = hn::IfThenElse(hn::Lt(size, hn::Set(f, 6.103515625e-5F)), subnormal, normal);
    const auto infinity = hn::CopySign(hn::BitCast(f, hn::Set(u, 0x7f800000U)), values);
    const auto finite = hn::IfThenElse(hn::Gt(hn::Abs(result), hn::Set(f, 65504.0F)), infinity, result);
    return hn::IfThenElse(hn::IsNaN(values), values, finite);
  }
};

/// Calls body(tag, first) for every vector of 0..count, and for what is left at the end one value at a time.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t count, const Body& body) {
  const hn::ScalableTag<float> f;
  const std::size_t lanes = hn::Lanes(f);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) body(f, i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) body(one, i);
}

/// Calls body with the functor for `rounding`.
template <class Body>
HWY_INLINE void with_rounding(Rounding rounding, const Body& body) {
  switch (rounding) {
    case Rounding::kNone:
      return body(RoundNone());
    case Rounding::kBF16:
      return body(RoundBF16());
    case Rounding::kF16:
      return body(RoundF16());
  }
}

}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
