#include "merge/sum_kernels.h"

#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/sum_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "merge/rounding_steps.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

constexpr std::size_t kPartials = 16;

double total_of(const double* partials) {
  double total = 0;
  for (std::size_t i = 0; i < kPartials; ++i) total += partials[i];
  return total;
}

// Sums term(tag of float, index of the element) -> vector of double, over 0..count. `Wide` holds as many doubles as
// there are floats in the vectors handed to term.
template <class Term>
HWY_INLINE double sum_terms(std::size_t count, const Term& term) {
  const hn::CappedTag<double, 8> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  const std::size_t lanes = hn::Lanes(wide);
  HWY_ALIGN double partials[kPartials] = {};
  const std::size_t whole = count / kPartials * kPartials;
  if (lanes == 8) {
    auto first = hn::Zero(wide);
    auto second = hn::Zero(wide);
    for (std::size_t i = 0; i < whole; i += kPartials) {
      first = hn::Add(first, term(narrow, i));
      second = hn::Add(second, term(narrow, i + lanes));
    }
    hn::Store(first, wide, partials);
    hn::Store(second, wide, partials + lanes);
  } else if (lanes == 4) {
    auto first = hn::Zero(wide), second = first, third = first, fourth = first;
    for (std::size_t i = 0; i < whole; i += kPartials) {
      first = hn::Add(first, term(narrow, i));
      second = hn::Add(second, term(narrow, i + lanes));
      third = hn::Add(third, term(narrow, i + 2 * lanes));
      fourth = hn::Add(fourth, term(narrow, i + 3 * lanes));
    }
    hn::Store(first, wide, partials);
    hn::Store(second, wide, partials + lanes);
    hn::Store(third, wide, partials + 2 * lanes);
    hn::Store(fourth, wide, partials + 3 * lanes);
  } else {
    for (std::size_t i = 0; i < whole; i += kPartials) {
      for (std::size_t k = 0; k < kPartials; k += lanes) {
        hn::Store(hn::Add(hn::Load(wide, partials + k), term(narrow, i + k)), wide, partials + k);
      }
    }
  }
  const hn::CappedTag<float, 1> one;
  for (std::size_t i = whole; i < count; ++i) partials[i - whole] += hn::GetLane(term(one, i));
  return total_of(partials);
}

template <class D, class V>
HWY_INLINE auto widen(D /*float*/, V values) {
  return hn::PromoteTo(hn::Rebind<double, D>(), values);
}

double dot_product(const float* x, const float* y, std::size_t count) {
  return sum_terms(count, [&](auto f, std::size_t i) HWY_ATTR {
    return hn::Mul(widen(f, hn::LoadU(f, x + i)), widen(f, hn::LoadU(f, y + i)));
  });
}

double magnitude_sum(const float* x, std::size_t count) {
  return sum_terms(count, [&](auto f, std::size_t i) HWY_ATTR { return widen(f, hn::Abs(hn::LoadU(f, x + i))); });
}

double distance_sum(const float* x, const float* y, std::size_t count) {
  return sum_terms(count, [&](auto f, std::size_t i) HWY_ATTR {
    return widen(f, hn::Abs(hn::Sub(hn::LoadU(f, x + i), hn::LoadU(f, y + i))));
  });
}

double rounded_product(Rounding rounding, const float* x, const float* y, std::size_t count) {
  double total = 0;
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    total = sum_terms(count, [&](auto f, std::size_t i) HWY_ATTR {
      return widen(f, round(hn::Mul(hn::LoadU(f, x + i), hn::LoadU(f, y + i))));
    });
  });
  return total;
}

template <class Term>
HWY_INLINE void add_terms(double* sums, std::size_t count, const Term& term) {
  const hn::ScalableTag<double> wide;
  const hn::Rebind<float, decltype(wide)> narrow;
  const std::size_t lanes = hn::Lanes(wide);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(wide, sums + i), term(narrow, i)), wide, sums + i);
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i) sums[i] += hn::GetLane(term(one, i));
}

void column_magnitudes(const float* x, double* sums, std::size_t count) {
  add_terms(sums, count, [&](auto f, std::size_t i) HWY_ATTR { return widen(f, hn::Abs(hn::LoadU(f, x + i))); });
}

void column_products(const float* x, const float* y, double* sums, std::size_t count) {
  add_terms(sums, count, [&](auto f, std::size_t i) HWY_ATTR {
    return hn::Mul(widen(f, hn::LoadU(f, x + i)), widen(f, hn::LoadU(f, y + i)));
  });
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(dot_product);
HWY_EXPORT(magnitude_sum);
HWY_EXPORT(distance_sum);
HWY_EXPORT(rounded_product);
HWY_EXPORT(column_magnitudes);
HWY_EXPORT(column_products);

double dot(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(dot_product)(x.data(), y.data(), x.size());
}

double sum_of_magnitudes(std::span<const float> x) { return HWY_DYNAMIC_DISPATCH(magnitude_sum)(x.data(), x.size()); }

double sum_of_distances(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(distance_sum)(x.data(), y.data(), x.size());
}

double dot(Rounding rounding, std::span<const float> x, std::span<const float> y) {
  if (rounding == Rounding::kNone) return dot(x, y);
  return HWY_DYNAMIC_DISPATCH(rounded_product)(rounding, x.data(), y.data(), x.size());
}

void add_magnitudes(std::span<const float> x, std::span<double> sums) {
  HWY_DYNAMIC_DISPATCH(column_magnitudes)(x.data(), sums.data(), x.size());
}

void add_products(std::span<const float> x, std::span<const float> y, std::span<double> sums) {
  HWY_DYNAMIC_DISPATCH(column_products)(x.data(), y.data(), sums.data(), x.size());
}

}  // namespace cambium::merge
#endif
