#include "merge/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/rounding.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include "merge/rounding_steps.h"

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

void round_values(Rounding rounding, float* values, std::size_t count) {
  with_rounding(rounding, [&](auto round) HWY_ATTR {
    for_each_vector(
        count, [&](auto f, std::size_t i) HWY_ATTR { hn::StoreU(round(hn::LoadU(f, values + i)), f, values + i); });
  });
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(round_values);

Rounding rounding_of(DType dtype) {
  if (dtype == DType::kBF16) return Rounding::kBF16;
  return dtype == DType::kF16 ? Rounding::kF16 : Rounding::kNone;
}

float rounded(Rounding rounding, float value) {
  HWY_DYNAMIC_DISPATCH(round_values)(rounding, &value, 1);
  return value;
}

void round_all(Rounding rounding, std::span<float> values) {
  if (rounding != Rounding::kNone) HWY_DYNAMIC_DISPATCH(round_values)(rounding, values.data(), values.size());
}

}  // namespace cambium::merge
#endif
