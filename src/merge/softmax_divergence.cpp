#include "merge/softmax_divergence.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/softmax_divergence.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/contrib/math/math-inl.h>

#include "merge/rounding_steps.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

float largest(const float* values, std::size_t count) { return *std::max_element(values, values + count); }

// Calls body(tag of double, tag of as many floats, first) over 0..count, one at a time at the end.
template <class Body>
HWY_INLINE void for_each_wide(std::size_t count, const Body& body) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  std::size_t i = 0;
  for (; i + hn::Lanes(wide) <= count; i += hn::Lanes(wide)) body(wide, narrow, i);
  const hn::CappedTag<double, 1> one;
  const hn::Rebind<float, decltype(one)> one_narrow;
  for (; i < count; ++i) body(one, one_narrow, i);
}

double exponential_sum(const float* values, double top, std::size_t count) {
  double sum = 0;
  for_each_wide(count, [&](auto wide, auto narrow, std::size_t i) HWY_ATTR {
    const auto value = hn::PromoteTo(wide, hn::LoadU(narrow, values + i));
    sum += hn::GetLane(hn::SumOfLanes(wide, hn::Exp(wide, hn::Sub(value, hn::Set(wide, top)))));
  });
  return sum;
}

float divergence(Rounding rounding, const float* tuned, const float* base, std::size_t count) {
  const double tuned_top = largest(tuned, count), base_top = largest(base, count);
  const double tuned_sum = exponential_sum(tuned, tuned_top, count), base_sum = exponential_sum(base, base_top, count);
  double total = 0;
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_wide(count, [&](auto wide, auto narrow, std::size_t i) HWY_ATTR {
      // Rounds to float32 first, as every value of a softmax is.
      const auto step = [&](auto value) HWY_ATTR { return hn::PromoteTo(wide, round(hn::DemoteTo(narrow, value))); };
      const auto share = [&](const float* values, double top, double sum) HWY_ATTR {
        const auto value = hn::PromoteTo(wide, hn::LoadU(narrow, values + i));
        const auto power = hn::Exp(wide, hn::Sub(value, hn::Set(wide, top)));
        const auto exact = hn::Div(power, hn::Set(wide, sum));
        if constexpr (std::is_same_v<decltype(round), RoundNone>) return hn::Add(exact, hn::Set(wide, 1e-8));
        return step(hn::Add(step(exact), hn::Set(wide, 1e-8)));
      };
      const auto p = share(tuned, tuned_top, tuned_sum);
      const auto q = share(base, base_top, base_sum);
      if constexpr (std::is_same_v<decltype(round), RoundNone>) {
        total += hn::GetLane(hn::SumOfLanes(wide, hn::Mul(p, hn::Log(wide, hn::Div(p, q)))));
      } else {
        const auto logarithm = step(hn::Log(wide, step(hn::Div(p, q))));
        total += hn::GetLane(hn::SumOfLanes(wide, step(hn::Mul(p, logarithm))));
      }
    });
  });
  return rounded(rounding, static_cast<float>(total));
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(divergence);

float softmax_divergence(Rounding rounding, std::span<const float> tuned, std::span<const float> base) {
  if (tuned.empty()) return 0;
  return HWY_DYNAMIC_DISPATCH(divergence)(rounding, tuned.data(), base.data(), tuned.size());
}

}  // namespace cambium::merge
#endif
