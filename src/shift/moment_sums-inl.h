// Compiled once for each instruction set: the sums of MomentLanes while they are held in vectors.
#if defined(CAMBIUM_SHIFT_MOMENT_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CAMBIUM_SHIFT_MOMENT_SUMS_INL_H_
#undef CAMBIUM_SHIFT_MOMENT_SUMS_INL_H_
#else
#define CAMBIUM_SHIFT_MOMENT_SUMS_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

#include "shift/moments.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::shift {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Eight lanes of float64 in as many vectors as they take, and as many float32 as one of them.
constexpr std::size_t kLanes = MomentLanes::kLanes;
using Doubles = hn::CappedTag<double, kLanes>;
using Singles = hn::Rebind<float, Doubles>;
constexpr std::size_t kVectors = kLanes / HWY_MIN(kLanes, HWY_LANES(double));
constexpr std::size_t kWidth = kLanes / kVectors;

struct Lanes {
  hn::Vec<Doubles> lane[kVectors];
  explicit Lanes(const double* from) {
    for (std::size_t v = 0; v < kVectors; ++v) lane[v] = hn::LoadU(Doubles(), from + v * kWidth);
  }
  void store(double* to) const {
    for (std::size_t v = 0; v < kVectors; ++v) hn::StoreU(lane[v], Doubles(), to + v * kWidth);
  }
};

struct MomentSums {
  Lanes absolute, squares, of_base, of_tuned, products, largest;
  explicit MomentSums(const MomentLanes& sums)
      : absolute(sums.absolute.data()),
        squares(sums.squares.data()),
        of_base(sums.base_squares.data()),
        of_tuned(sums.tuned_squares.data()),
        products(sums.products.data()),
        largest(sums.largest.data()) {}
  void store(MomentLanes& sums) const {
    absolute.store(sums.absolute.data());
    squares.store(sums.squares.data());
    of_base.store(sums.base_squares.data());
    of_tuned.store(sums.tuned_squares.data());
    products.store(sums.products.data());
    largest.store(sums.largest.data());
  }
  // Adds kWidth pairs to vector v of each; returns |tuned - base| in float64.
  HWY_INLINE hn::Vec<Doubles> add(std::size_t v, hn::Vec<Singles> base32, hn::Vec<Singles> tuned32) {
    const auto base = hn::PromoteTo(Doubles(), base32), tuned = hn::PromoteTo(Doubles(), tuned32);
    const auto difference = hn::Sub(tuned, base);
    const auto magnitude = hn::Abs(difference);
    absolute.lane[v] = hn::Add(absolute.lane[v], magnitude);
    squares.lane[v] = hn::Add(squares.lane[v], hn::Mul(difference, difference));
    // Products of two float32 are exact in float64: fused or not, the bits are the same.
    of_base.lane[v] = hn::MulAdd(base, base, of_base.lane[v]);
    of_tuned.lane[v] = hn::MulAdd(tuned, tuned, of_tuned.lane[v]);
    products.lane[v] = hn::MulAdd(base, tuned, products.lane[v]);
    largest.lane[v] = hn::Max(largest.lane[v], magnitude);
    return magnitude;
  }
};

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cambium::shift
HWY_AFTER_NAMESPACE();

#endif
