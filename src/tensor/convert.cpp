#include "tensor/convert.h"

#include <cassert>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tensor/convert.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h:
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cambium {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::Rebind<std::uint32_t, Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;

// One whole vector of floats from / to its stored elements, at any address. Each has two forms, so that the loop below
// is one.

struct Half {
  using Stored = std::uint16_t;
  static HWY_INLINE hn::Vec<Floats> widen(const Stored* HWY_RESTRICT from) {
    const Floats f;
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86
    const hn::Rebind<hwy::float16_t, Floats> f16;
    return hn::PromoteTo(f, hn::BitCast(f16, hn::LoadU(Halves(), from)));
#else
    const Words u;
    const auto half = hn::PromoteTo(u, hn::LoadU(Halves(), from));
    const auto sign = hn::ShiftLeft<16>(hn::And(half, hn::Set(u, 0x8000U)));
    const auto rest = hn::ShiftLeft<13>(hn::And(half, hn::Set(u, 0x7fffU)));
    const auto exponent = hn::And(rest, hn::Set(u, 0x0f800000U));
    const auto normal = hn::Add(rest, hn::Set(u, (127U - 15U) << 23));
    // Infinity and NaN: exponent 255, and NaN made quiet.
    const auto special = hn::Or(rest, hn::Set(u, 0x7f800000U));
    const auto is_nan = hn::Gt(rest, hn::Set(u, 0x0f800000U));
    const auto quiet = hn::IfThenElse(is_nan, hn::Or(special, hn::Set(u, 0x00400000U)), special);
    // Subnormal: the mantissa as the fraction of 2^-14, less 2^-14.
    const auto smallest = hn::Set(u, 113U << 23);
    const auto subnormal = hn::BitCast(u, hn::Sub(hn::BitCast(f, hn::Add(rest, smallest)), hn::BitCast(f, smallest)));
    auto size = hn::IfThenElse(hn::Eq(exponent, hn::Zero(u)), subnormal, normal);
    size = hn::IfThenElse(hn::Eq(exponent, hn::Set(u, 0x0f800000U)), quiet, size);
    return hn::BitCast(f, hn::Or(sign, size));
#endif
  }
  static HWY_INLINE void narrow(hn::Vec<Floats> values, Stored* HWY_RESTRICT to) {
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86
    const hn::Rebind<hwy::float16_t, Floats> f16;
    hn::StoreU(hn::BitCast(Halves(), hn::DemoteTo(f16, values)), Halves(), to);
#else
    const Floats f;
    const Words u;
    const auto bits = hn::BitCast(u, values);
    const auto sign = hn::And(bits, hn::Set(u, 0x80000000U));
    const auto size = hn::Xor(bits, sign);
    // Normal halves: rebias, add just under half a step plus the parity of the last kept bit, cut.
    const auto odd = hn::And(hn::ShiftRight<13>(size), hn::Set(u, 1U));
    const auto rebias = hn::Set(u, 0U - ((127U - 15U) << 23) + 0xfffU);
    const auto normal = hn::ShiftRight<13>(hn::Add(hn::Add(size, rebias), odd));
    // Subnormal halves: adding 0.5 makes the float adder round at 2^-24.
    const auto magic = hn::Set(u, 126U << 23);
    const auto subnormal = hn::Sub(hn::BitCast(u, hn::Add(hn::BitCast(f, size), hn::BitCast(f, magic))), magic);
    const auto nan = hn::Or(hn::Set(u, 0x7e00U), hn::And(hn::ShiftRight<13>(size), hn::Set(u, 0x1ffU)));
    auto half = hn::IfThenElse(hn::Lt(size, hn::Set(u, 113U << 23)), subnormal, normal);
    half = hn::IfThenElse(hn::Gt(size, hn::Set(u, (143U << 23) - 1U)), hn::Set(u, 0x7c00U), half);
    half = hn::IfThenElse(hn::Gt(size, hn::Set(u, 0x7f800000U)), nan, half);
    half = hn::Or(half, hn::ShiftRight<16>(sign));
    hn::StoreU(hn::TruncateTo(Halves(), half), Halves(), to);
#endif
  }
};

struct Bfloat {
  using Stored = std::uint16_t;
  static HWY_INLINE hn::Vec<Floats> widen(const Stored* HWY_RESTRICT from) {
    return hn::BitCast(Floats(), hn::ShiftLeft<16>(hn::PromoteTo(Words(), hn::LoadU(Halves(), from))));
  }
  static HWY_INLINE void narrow(hn::Vec<Floats> values, Stored* HWY_RESTRICT to) {
    const Words u;
    const auto bits = hn::BitCast(u, values);
    const auto kept = hn::ShiftRight<16>(bits);
    const auto odd = hn::And(kept, hn::Set(u, 1U));
    const auto rounded = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(u, 0x7fffU)), odd));
    const auto is_nan = hn::RebindMask(u, hn::IsNaN(values));
    const auto result = hn::IfThenElse(is_nan, hn::Or(kept, hn::Set(u, 0x40U)), rounded);
    hn::StoreU(hn::TruncateTo(Halves(), result), Halves(), to);
  }
};

struct Double {
  using Stored = double;
#if HWY_TARGET == HWY_SCALAR  // one lane: there are no halves of a vector
  using Doubles = hn::Rebind<double, Floats>;
  static HWY_INLINE hn::Vec<Floats> widen(const Stored* HWY_RESTRICT from) {
    double value;  // Highway's own one-lane DemoteTo clamps to the largest float instead of giving infinity
    std::memcpy(&value, from, sizeof(value));
    return hn::Set(Floats(), static_cast<float>(value));
  }
  static HWY_INLINE void narrow(hn::Vec<Floats> values, Stored* HWY_RESTRICT to) {
    hn::StoreU(hn::PromoteTo(Doubles(), values), Doubles(), to);
  }
#else
  using HalfFloats = hn::Half<Floats>;
  using Doubles = hn::Rebind<double, HalfFloats>;
  static HWY_INLINE hn::Vec<Floats> widen(const Stored* HWY_RESTRICT from) {
    const Doubles d;
    const auto low = hn::DemoteTo(HalfFloats(), hn::LoadU(d, from));
    const auto high = hn::DemoteTo(HalfFloats(), hn::LoadU(d, from + hn::Lanes(d)));
    return hn::Combine(Floats(), high, low);
  }
  static HWY_INLINE void narrow(hn::Vec<Floats> values, Stored* HWY_RESTRICT to) {
    const Doubles d;
    hn::StoreU(hn::PromoteTo(d, hn::LowerHalf(HalfFloats(), values)), d, to);
    hn::StoreU(hn::PromoteTo(d, hn::UpperHalf(HalfFloats(), values)), d, to + hn::Lanes(d));
  }
#endif
};

template <class Kind>
void widen_all(const std::byte* from, float* HWY_RESTRICT out, std::size_t count) {
  using Stored = typename Kind::Stored;
  const Floats f;
  const std::size_t lanes = hn::Lanes(f);
  const auto* stored = reinterpret_cast<const Stored*>(from);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(Kind::widen(stored + i), f, out + i);
  if (i == count) return;
  HWY_ALIGN Stored last[hn::MaxLanes(f)] = {};
  HWY_ALIGN float values[hn::MaxLanes(f)];
  std::memcpy(last, from + i * sizeof(Stored), (count - i) * sizeof(Stored));
  hn::Store(Kind::widen(last), f, values);
  std::memcpy(out + i, values, (count - i) * sizeof(float));
}

template <class Kind>
void narrow_all(const float* HWY_RESTRICT values, std::byte* to, std::size_t count) {
  using Stored = typename Kind::Stored;
  const Floats f;
  const std::size_t lanes = hn::Lanes(f);
  auto* stored = reinterpret_cast<Stored*>(to);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) Kind::narrow(hn::LoadU(f, values + i), stored + i);
  if (i == count) return;
  HWY_ALIGN float last[hn::MaxLanes(f)] = {};
  HWY_ALIGN Stored results[hn::MaxLanes(f)];
  std::memcpy(last, values + i, (count - i) * sizeof(float));
  Kind::narrow(hn::Load(f, last), results);
  std::memcpy(to + i * sizeof(Stored), results, (count - i) * sizeof(Stored));
}

void widen(DType dtype, const std::byte* stored, float* out, std::size_t count) {
  if (dtype == DType::kF16) return widen_all<Half>(stored, out, count);
  if (dtype == DType::kBF16) return widen_all<Bfloat>(stored, out, count);
  if (dtype == DType::kF64) return widen_all<Double>(stored, out, count);
  std::memcpy(out, stored, count * sizeof(float));
}

void narrow(DType dtype, const float* values, std::byte* stored, std::size_t count) {
  if (dtype == DType::kF16) return narrow_all<Half>(values, stored, count);
  if (dtype == DType::kBF16) return narrow_all<Bfloat>(values, stored, count);
  if (dtype == DType::kF64) return narrow_all<Double>(values, stored, count);
  std::memcpy(stored, values, count * sizeof(float));
}

std::size_t find_nonfinite(const float* values, std::size_t count) {
  const Floats f;
  const Words u;
  const std::size_t lanes = hn::Lanes(f);
  // Shifted left once, the sign is gone and infinity and NaN are the largest numbers.
  const auto infinity = hn::Set(u, 0xff000000U);
  const auto shifted = [&](std::size_t at) {
    return hn::Add(hn::BitCast(u, hn::LoadU(f, values + at)), hn::BitCast(u, hn::LoadU(f, values + at)));
  };
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto largest =
        hn::Max(hn::Max(shifted(i), shifted(i + lanes)), hn::Max(shifted(i + 2 * lanes), shifted(i + 3 * lanes)));
    if (HWY_UNLIKELY(!hn::AllTrue(u, hn::Lt(largest, infinity)))) break;
  }
  for (; i < count; ++i) {
    std::uint32_t bits;
    std::memcpy(&bits, values + i, sizeof(bits));
    if ((bits & 0x7f800000U) == 0x7f800000U) return i;
  }
  return count;
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace cambium
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cambium {

HWY_EXPORT(widen);
HWY_EXPORT(narrow);
HWY_EXPORT(find_nonfinite);

void to_float32(DType dtype, std::span<const std::byte> stored, std::span<float> out) {
  assert(is_mergeable(dtype) && stored.size() * 8 == out.size() * static_cast<std::size_t>(bits_of(dtype)));
  if (!out.empty()) HWY_DYNAMIC_DISPATCH(widen)(dtype, stored.data(), out.data(), out.size());
}

void from_float32(DType dtype, std::span<const float> values, std::span<std::byte> stored) {
  assert(is_mergeable(dtype) && stored.size() * 8 == values.size() * static_cast<std::size_t>(bits_of(dtype)));
  if (!values.empty()) HWY_DYNAMIC_DISPATCH(narrow)(dtype, values.data(), stored.data(), values.size());
}

std::size_t first_nonfinite(std::span<const float> values) {
  return HWY_DYNAMIC_DISPATCH(find_nonfinite)(values.data(), values.size());
}

}  // namespace cambium
#endif
