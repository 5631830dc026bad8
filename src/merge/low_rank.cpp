#include "merge/low_rank.h"

#include <algorithm>
#include <cassert>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/low_rank.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;

// Two rows and four vectors of columns at a time: the eight sums stay in registers, and each vector of `right` is used
// twice.
constexpr std::size_t kVectors = 4;

template <std::size_t kRows>
void add_tile(const float* HWY_RESTRICT left, const float* HWY_RESTRICT right, std::size_t rank, float scale,
              float* HWY_RESTRICT out, std::size_t columns) {
  const Floats f;
  const std::size_t lanes = hn::Lanes(f);
  auto a0 = hn::Zero(f), a1 = a0, a2 = a0, a3 = a0;
  auto b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (std::size_t k = 0; k < rank; ++k) {
    const float* const row = right + k * columns;
    const auto r0 = hn::LoadU(f, row), r1 = hn::LoadU(f, row + lanes);
    const auto r2 = hn::LoadU(f, row + 2 * lanes), r3 = hn::LoadU(f, row + 3 * lanes);
    const auto first = hn::Set(f, left[k]);
    a0 = hn::Add(a0, hn::Mul(first, r0));
    a1 = hn::Add(a1, hn::Mul(first, r1));
    a2 = hn::Add(a2, hn::Mul(first, r2));
    a3 = hn::Add(a3, hn::Mul(first, r3));
    if constexpr (kRows == 2) {
      const auto second = hn::Set(f, left[rank + k]);
      b0 = hn::Add(b0, hn::Mul(second, r0));
      b1 = hn::Add(b1, hn::Mul(second, r1));
      b2 = hn::Add(b2, hn::Mul(second, r2));
      b3 = hn::Add(b3, hn::Mul(second, r3));
    }
  }
  const auto factor = hn::Set(f, scale);
  const auto add = [&](float* to, decltype(a0) sum) {
    hn::StoreU(hn::Add(hn::LoadU(f, to), hn::Mul(factor, sum)), f, to);
  };
  add(out, a0);
  add(out + lanes, a1);
  add(out + 2 * lanes, a2);
  add(out + 3 * lanes, a3);
  if constexpr (kRows == 2) {
    float* const below = out + columns;
    add(below, b0);
    add(below + lanes, b1);
    add(below + 2 * lanes, b2);
    add(below + 3 * lanes, b3);
  }
}

void add_product(const float* left, const float* right, std::size_t rank, float scale, float* out, std::size_t rows,
                 std::size_t columns) {
  const std::size_t width = kVectors * hn::Lanes(Floats());
  std::size_t column = 0;
  // Columns outside: the part of `right` at hand, rank x width, stays in the nearest cache for all rows.
  for (; column + width <= columns; column += width) {
    std::size_t row = 0;
    for (; row + 2 <= rows; row += 2) {
      add_tile<2>(left + row * rank, right + column, rank, scale, out + row * columns + column, columns);
    }
    if (row < rows) add_tile<1>(left + row * rank, right + column, rank, scale, out + row * columns + column, columns);
  }
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t rest = column; rest < columns; ++rest) {
      float sum = 0.0F;
      for (std::size_t k = 0; k < rank; ++k) sum += left[row * rank + k] * right[k * columns + rest];
      out[row * columns + rest] += scale * sum;
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cambium::merge
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(add_product);

void add_low_rank(std::span<const float> left, std::span<const float> right, std::size_t rank, float scale,
                  std::span<float> out) {
  if (rank == 0 || out.empty()) return;
  assert(left.size() % rank == 0 && right.size() % rank == 0);
  const std::size_t rows = left.size() / rank;
  const std::size_t columns = right.size() / rank;
  assert(out.size() == rows * columns);
  HWY_DYNAMIC_DISPATCH(add_product)(left.data(), right.data(), rank, scale, out.data(), rows, columns);
}

void add_low_rank_reference(std::span<const float> left, std::span<const float> right, std::size_t rank, float scale,
                            std::span<float> out) {
  const std::size_t columns = right.size() / rank;
  for (std::size_t i = 0; i < out.size(); ++i) {
    float sum = 0.0F;
    for (std::size_t k = 0; k < rank; ++k) sum += left[i / columns * rank + k] * right[k * columns + i % columns];
    out[i] += scale * sum;
  }
}

}  // namespace cambium::merge
#endif
