#include "shift/moments.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <limits>

#include "shift/parameter_shift.h"

// The widths that differ in speed; scalable vectors cannot be held in arrays.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "shift/moments.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::shift {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Eight lanes of float64 in as many vectors as they take.
using Doubles = hn::CappedTag<double, MomentLanes::kLanes>;
using Floats = hn::Rebind<float, Doubles>;
constexpr std::size_t kLanes = MomentLanes::kLanes;
constexpr std::size_t kVectors = kLanes / HWY_MIN(kLanes, HWY_LANES(double));
constexpr std::size_t kWidth = kLanes / kVectors;
using Vector = hn::Vec<Doubles>;

struct Lanes {
  Vector lane[kVectors];
  explicit Lanes(const double* from) {
    for (std::size_t v = 0; v < kVectors; ++v) lane[v] = hn::LoadU(Doubles(), from + v * kWidth);
  }
  void store(double* to) const {
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(lane[v], Doubles(), to + v * kWidth);
  }
};

MagnitudeRange accumulate(MomentLanes& sums, const float* HWY_RESTRICT base, const float* HWY_RESTRICT tuned,
                          float* HWY_RESTRICT magnitudes, std::size_t count) {
  const Doubles d64;
  const Floats f32;
  const auto largest_float = hn::Set(f32, std::numeric_limits<float>::max());
  const auto infinity = hn::Inf(f32);
  const auto zero = hn::Zero(f32);
  auto smallest32 = infinity, largest32 = zero;
  Lanes absolute(sums.absolute.data()), squares(sums.squares.data()), of_base(sums.base_squares.data()),
      of_tuned(sums.tuned_squares.data()), products(sums.products.data()), largest(sums.largest.data());
  std::size_t equal = 0, sign_changes = 0;
  const auto step = [&](std::size_t v, const float* HWY_RESTRICT b, const float* HWY_RESTRICT t,
                        float* HWY_RESTRICT m) {
    const auto base32 = hn::LoadU(f32, b), tuned32 = hn::LoadU(f32, t);
    const auto base64 = hn::PromoteTo(d64, base32), tuned64 = hn::PromoteTo(d64, tuned32);
    const auto difference = hn::Sub(tuned64, base64);
    const auto magnitude = hn::Abs(difference);
    absolute.lane[v] = hn::Add(absolute.lane[v], magnitude);
    squares.lane[v] = hn::Add(squares.lane[v], hn::Mul(difference, difference));
    // Products of two float32 are exact in float64: fused or not, the bits are the same.
    of_base.lane[v] = hn::MulAdd(base64, base64, of_base.lane[v]);
    of_tuned.lane[v] = hn::MulAdd(tuned64, tuned64, of_tuned.lane[v]);
    products.lane[v] = hn::MulAdd(base64, tuned64, products.lane[v]);
    largest.lane[v] = hn::Max(largest.lane[v], magnitude);
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
  absolute.store(sums.absolute.data());
  squares.store(sums.squares.data());
  of_base.store(sums.base_squares.data());
  of_tuned.store(sums.tuned_squares.data());
  products.store(sums.products.data());
  largest.store(sums.largest.data());
  sums.equal += equal;
  sums.sign_changes += sign_changes;
  return {hn::GetLane(hn::MinOfLanes(f32, smallest32)), hn::GetLane(hn::MaxOfLanes(f32, largest32))};
}

void add_absolute(const float* HWY_RESTRICT base, const float* HWY_RESTRICT tuned, std::size_t count, double* lanes) {
  const Doubles d64;
  const Floats f32;
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
