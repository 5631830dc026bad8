#include "shift/moments.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

#include "shift/parameter_shift.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shift/moments.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "shift/moment_sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::shift {
namespace HWY_NAMESPACE {
namespace {

MagnitudeRange accumulate(MomentLanes& sums, const float* HWY_RESTRICT base, const float* HWY_RESTRICT tuned,
                          float* HWY_RESTRICT magnitudes, std::size_t count) {
  const Singles f32;
  const auto largest_float = hn::Set(f32, std::numeric_limits<float>::max());
  const auto infinity = hn::Inf(f32);
  const auto zero = hn::Zero(f32);
  auto smallest32 = infinity, largest32 = zero;
  MomentSums moments(sums);
  std::size_t equal = 0, sign_changes = 0;
  const auto step = [&](std::size_t v, const float* HWY_RESTRICT b, const float* HWY_RESTRICT t,
                        float* HWY_RESTRICT m) {
    const auto base32 = hn::LoadU(f32, b), tuned32 = hn::LoadU(f32, t);
    const auto magnitude = moments.add(v, base32, tuned32);
    const auto magnitude32 = hn::Min(hn::DemoteTo(f32, magnitude), largest_float);
    hn::StoreU(magnitude32, f32, m);
    smallest32 = hn::Min(smallest32, hn::IfThenElse(hn::Eq(magnitude32, zero), infinity, magnitude32));
    largest32 = hn::Max(largest32, magnitude32);
    equal += hn::CountTrue(f32, hn::Eq(base32, tuned32));
    const auto opposite = hn::Or(hn::And(hn::Lt(base32, zero), hn::Gt(tuned32, zero)),
                                 hn::And(hn::Gt(base32, zero), hn::Lt(tuned32, zero)));
    sign_changes += hn::CountTrue(f32, opposite);
  };
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t v = 0; v < kVectors; ++v)
      step(v, base + i + v * kWidth, tuned + i + v * kWidth, magnitudes + i + v * kWidth);
  }
  if (i < count) {
    // The rest with zeros behind it: they change no sum, but count as equal.
    const std::size_t rest = count - i;
    HWY_ALIGN float b[kLanes] = {}, t[kLanes] = {}, m[kLanes];
    for (std::size_t k = 0; k < rest; ++k) b[k] = base[i + k], t[k] = tuned[i + k];
    for (std::size_t v = 0; v < kVectors; ++v) step(v, b + v * kWidth, t + v * kWidth, m + v * kWidth);
    for (std::size_t k = 0; k < rest; ++k) magnitudes[i + k] = m[k];
    equal -= kLanes - rest;
  }
  moments.store(sums);
  sums.equal += equal;
  sums.sign_changes += sign_changes;
  return {hn::GetLane(hn::MinOfLanes(f32, smallest32)), hn::GetLane(hn::MaxOfLanes(f32, largest32))};
}

void add_absolute(const float* HWY_RESTRICT base, const float* HWY_RESTRICT tuned, std::size_t count, double* lanes) {
  const Doubles d64;
  const Singles f32;
  Lanes sums(lanes);
  const auto step = [&](std::size_t v, const float* b, const float* t) {
    const auto difference = hn::Sub(hn::PromoteTo(d64, hn::LoadU(f32, t)), hn::PromoteTo(d64, hn::LoadU(f32, b)));
    sums.lane[v] = hn::Add(sums.lane[v], hn::Abs(difference));
  };
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t v = 0; v < kVectors; ++v) step(v, base + i + v * kWidth, tuned + i + v * kWidth);
  }
  if (i < count) {
    HWY_ALIGN float b[kLanes] = {}, t[kLanes] = {};
    for (std::size_t k = 0; i + k < count; ++k) b[k] = base[i + k], t[k] = tuned[i + k];
    for (std::size_t v = 0; v < kVectors; ++v) step(v, b + v * kWidth, t + v * kWidth);
  }
  sums.store(lanes);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cambium::shift
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::shift {

HWY_EXPORT(accumulate);
HWY_EXPORT(add_absolute);

namespace {

double in_order(const std::array<double, MomentLanes::kLanes>& lanes) {
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

double ratio(double numerator, double denominator) {
  return denominator > 0 ? numerator / denominator : std::numeric_limits<double>::quiet_NaN();
}

double share(std::uint64_t part, std::uint64_t count) {
  return count == 0 ? 0 : static_cast<double>(part) / static_cast<double>(count);
}

}  // namespace

MagnitudeRange MomentLanes::add(std::span<const float> base, std::span<const float> tuned,
                                std::span<float> magnitudes) {
  assert(base.size() == tuned.size() && base.size() == magnitudes.size());
  count += base.size();
  return HWY_DYNAMIC_DISPATCH(accumulate)(*this, base.data(), tuned.data(), magnitudes.data(), base.size());
}

Moments MomentLanes::total() const {
  Moments moments{.count = count,
                  .equal = equal,
                  .sign_changes = sign_changes,
                  .sum_abs = in_order(absolute),
                  .sum_squares = in_order(squares),
                  .base_squares = in_order(base_squares),
                  .tuned_squares = in_order(tuned_squares),
                  .products = in_order(products),
                  .max_abs = 0};
  for (const double lane : largest) moments.max_abs = std::max(moments.max_abs, lane);
  return moments;
}

Moments& Moments::operator+=(const Moments& more) {
  count += more.count;
  equal += more.equal;
  sign_changes += more.sign_changes;
  sum_abs += more.sum_abs;
  sum_squares += more.sum_squares;
  base_squares += more.base_squares;
  tuned_squares += more.tuned_squares;
  products += more.products;
  max_abs = std::max(max_abs, more.max_abs);
  return *this;
}

double Moments::mean_abs() const { return count == 0 ? 0 : sum_abs / static_cast<double>(count); }
double Moments::rms() const { return count == 0 ? 0 : std::sqrt(sum_squares / static_cast<double>(count)); }
double Moments::relative() const { return std::sqrt(ratio(sum_squares, base_squares)); }
double Moments::cosine() const {
  // Both norms by themselves: their product may overflow.
  return std::clamp(ratio(products, std::sqrt(base_squares) * std::sqrt(tuned_squares)), -1.0, 1.0);
}
double Moments::equal_share() const { return share(equal, count); }
double Moments::sign_change_share() const { return share(sign_changes, count); }
bool Moments::finite() const {
  return std::isfinite(sum_abs) && std::isfinite(base_squares) && std::isfinite(tuned_squares);
}

double sum_absolute_shift(std::span<const float> base, std::span<const float> tuned) {
  assert(base.size() == tuned.size());
  std::array<double, MomentLanes::kLanes> lanes{};
  if (!base.empty()) HWY_DYNAMIC_DISPATCH(add_absolute)(base.data(), tuned.data(), base.size(), lanes.data());
  return in_order(lanes);
}

}  // namespace cambium::shift
#endif
