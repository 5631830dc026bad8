#include "merge/select_kernels.h"

#include <algorithm>
#include <functional>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/select_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

Collected collect(float low, float high, const float* scores, std::size_t count, float* out) {
  const hn::ScalableTag<float> f;
  const std::size_t lanes = hn::Lanes(f);
  Collected result;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto score = hn::LoadU(f, scores + i);
    const auto above = hn::Gt(score, hn::Set(f, high));
    const auto inside = hn::AndNot(above, hn::Ge(score, hn::Set(f, low)));
    result.above += hn::CountTrue(f, above);
    if (out != nullptr) {
      result.inside += hn::CompressBlendedStore(score, inside, f, out + result.inside);
    } else {
      result.inside += hn::CountTrue(f, inside);
    }
  }
  for (; i < count; ++i) {
    if (scores[i] > high) {
      ++result.above;
    } else if (scores[i] >= low) {
      if (out != nullptr) out[result.inside] = scores[i];
      ++result.inside;
    }
  }
  return result;
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(collect);

Collected collect_between(float low, float high, std::span<const float> scores, std::span<float> out) {
  return HWY_DYNAMIC_DISPATCH(collect)(low, high, scores.data(), scores.size(), out.empty() ? nullptr : out.data());
}

float pick_by_rank(std::span<float> values, std::uint64_t rank) {
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(values.begin(), nth, values.end(), std::greater<>());
  return *nth;
}

}  // namespace cambium::merge
#endif
