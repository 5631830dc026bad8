#include "merge/bfloat16_kernels.h"

#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "merge/bfloat16_kernels.cpp"
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

bool narrow(const float* values, std::uint16_t* stored, std::size_t count) {
  const hn::ScalableTag<float> f;
  const hn::RebindToUnsigned<decltype(f)> u;
  const hn::Rebind<std::uint16_t, decltype(f)> halves;
  const std::size_t lanes = hn::Lanes(f);
  std::size_t i = 0;
  auto largest = hn::Zero(u);
  for (; i + lanes <= count; i += lanes) {
    const auto value = hn::LoadU(f, values + i);
    const auto bits = hn::BitCast(u, value);
    const auto kept = hn::ShiftRight<16>(bits);
    const auto sum = hn::Add(hn::Add(bits, hn::Set(u, 0x7fffU)), hn::And(kept, hn::Set(u, 1U)));
    const auto quiet = hn::Or(kept, hn::Set(u, 0x40U));
    const auto rounded = hn::IfThenElse(hn::RebindMask(u, hn::IsNaN(value)), quiet, hn::ShiftRight<16>(sum));
    largest = hn::Max(largest, hn::And(rounded, hn::Set(u, 0x7fffU)));
    hn::StoreU(hn::TruncateTo(halves, rounded), halves, stored + i);
  }
  bool finite = hn::AllTrue(u, hn::Lt(largest, hn::Set(u, 0x7f80U)));
  for (; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    const bool is_nan = (bits & 0x7fffffffU) > 0x7f800000U;
    const std::uint32_t rounded = is_nan ? bits >> 16 | 0x40U : (bits + 0x7fffU + (bits >> 16 & 1U)) >> 16;
    finite = finite && (rounded & 0x7fffU) < 0x7f80U;
    const auto half = static_cast<std::uint16_t>(rounded);
    std::memcpy(stored + i, &half, sizeof(half));
  }
  return finite;
}

}  // namespace
}  // namespace cambium::merge::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium::merge {

HWY_EXPORT(widen);
HWY_EXPORT(narrow);

bool widen_bfloat16(std::span<const std::byte> stored, std::span<float> out) {
  return HWY_DYNAMIC_DISPATCH(widen)(reinterpret_cast<const std::uint16_t*>(stored.data()), out.data(), out.size());
}

bool narrow_bfloat16(std::span<const float> values, std::span<std::byte> stored) {
  return HWY_DYNAMIC_DISPATCH(narrow)(values.data(), reinterpret_cast<std::uint16_t*>(stored.data()), values.size());
}

}  // namespace cambium::merge
#endif
