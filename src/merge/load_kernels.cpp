#include "merge/load_kernels.h"

#include <cstdint>
#include <cstring>

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/load_kernels.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium::merge::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

bool widen(const std::uint16_t* stored, float* out, std::size_t count) {
  const hn::ScalableTag<float> f;
  const hn::RebindToUnsigned<decltype(f)> u;
  const hn::Rebind<std::uint16_t, decltype(f)> halves;
  const std::size_t lanes = hn::Lanes(f);
  // Shifted left once more the sign is gone, and infinity and NaN are the largest numbers.
  constexpr std::uint32_t kInfinity = 0xff000000U;
  auto largest = hn::Zero(u);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(u, hn::LoadU(halves, stored + i)));
    largest = hn::Max(largest, hn::Add(bits, bits));
    hn::StoreU(hn::BitCast(f, bits), f, out + i);
  }
  bool finite = hn::AllTrue(u, hn::Lt(largest, hn::Set(u, kInfinity)));
  for (; i < count; ++i) {
    std::uint16_t half;
    std::memcpy(&half, stored + i, sizeof(half));
    const std::uint32_t bits = std::uint32_t{half} << 16;
    finite = finite && bits + bits < kInfinity;
    std::memcpy(out + i, &bits, sizeof(bits));
  }
  return finite;
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(widen);

bool widen_bfloat16(std::span<const std::byte> stored, std::span<float> out) {
  return HWY_DYNAMIC_DISPATCH(widen)(reinterpret_cast<const std::uint16_t*>(stored.data()), out.data(), out.size());
}

}  // namespace cambium::merge
#endif
