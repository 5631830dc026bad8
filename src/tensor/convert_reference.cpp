#include "tensor/convert_reference.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace cambium {

namespace {

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

float from_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const std::uint32_t sign = static_cast<std::uint32_t>(half >> 15) << 31;
  if (exponent == 31 && mantissa != 0) {
    return std::bit_cast<float>(sign | 0x7fc00000U | static_cast<std::uint32_t>(mantissa) << 13);
  }
  float size;
  if (exponent == 31) {
    size = INFINITY;
  } else {
    size = exponent == 0 ? std::ldexp(static_cast<float>(mantissa), -24)
                         : std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return sign != 0 ? -size : size;
}

std::uint16_t to_half(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  if (std::isnan(value)) return static_cast<std::uint16_t>(sign | 0x7e00U | (bits >> 13 & 0x1ffU));
  const float size = std::fabs(value);
  if (std::isinf(size)) return static_cast<std::uint16_t>(sign | 0x7c00U);
  // The spacing of halves is 2^(e-11) for size in [2^(e-1), 2^e), and 2^-24 below the smallest normal one, 2^-14.
  int e = 0;
  std::frexp(size, &e);
  const int spacing = size < 0x1p-14F ? -24 : e - 11;
  // nearbyint rounds to nearest even; a carry into the next exponent is what adding the integers gives.
  const auto steps = static_cast<std::uint32_t>(std::nearbyint(std::ldexp(size, -spacing)));
  const std::uint32_t result = (static_cast<std::uint32_t>(spacing + 24) << 10) + steps;
  return static_cast<std::uint16_t>(sign | std::min(result, 0x7c00U));
}

std::uint16_t to_bfloat(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return static_cast<std::uint16_t>(bits >> 16 | 0x40U);
  const std::uint32_t kept = bits >> 16;
  const std::uint32_t dropped = bits & 0xffffU;
  const bool up = dropped > 0x8000U || (dropped == 0x8000U && kept % 2 == 1);
  return static_cast<std::uint16_t>(kept + (up ? 1 : 0));
}

}  // namespace

void to_float32_reference(DType dtype, std::span<const std::byte> stored, std::span<float> out) {
  assert(is_mergeable(dtype));
  const std::size_t size = static_cast<std::size_t>(bits_of(dtype)) / 8;
  assert(stored.size() == out.size() * size);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::byte* from = stored.data() + i * size;
    if (dtype == DType::kF16) out[i] = from_half(load<std::uint16_t>(from));
    if (dtype == DType::kBF16)
      out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(load<std::uint16_t>(from)) << 16);
    if (dtype == DType::kF32) out[i] = load<float>(from);
    if (dtype == DType::kF64) out[i] = static_cast<float>(load<double>(from));
  }
}

void from_float32_reference(DType dtype, std::span<const float> values, std::span<std::byte> stored) {
  assert(is_mergeable(dtype));
  const std::size_t size = static_cast<std::size_t>(bits_of(dtype)) / 8;
  assert(stored.size() == values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double wide = static_cast<double>(values[i]);
    const std::uint16_t half = dtype == DType::kF16 ? to_half(values[i]) : to_bfloat(values[i]);
    const void* from = dtype == DType::kF64   ? static_cast<const void*>(&wide)
                       : dtype == DType::kF32 ? static_cast<const void*>(&values[i])
                                              : static_cast<const void*>(&half);
    std::memcpy(stored.data() + i * size, from, size);
  }
}

}  // namespace cambium
