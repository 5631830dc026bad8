#include "checkpoint/gguf_dequantize.h"

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>

#include "tensor/convert.h"

namespace cambium::checkpoint {
namespace {

using Byte = std::uint8_t;

// IEEE half precision to float32, exact. Blocks hold one or two scales: not worth a call into the SIMD conversion.
float half(const Byte* stored) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, stored, sizeof bits);
  const std::uint32_t sign = (bits & 0x8000U) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 0x1FU ? 0xFFU : exponent + 112;
  return std::bit_cast<float>(sign | (wide << 23) | (mantissa << 13));
}

float low(Byte byte) { return static_cast<float>(byte & 15); }
float high(Byte byte) { return static_cast<float>(byte >> 4); }

// A block function expands one block: `in` is its first byte, `out` its first value.

// Blocks of 32: the low nibbles are values 0..15, the high ones 16..31.
struct Q4_0 {
  static constexpr std::size_t kValues = 32, kBytes = 18;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const Byte* q = in + 2;
    for (int i = 0; i < 16; ++i) {
      out[i] = scale * (low(q[i]) - 8.0F);
      out[i + 16] = scale * (high(q[i]) - 8.0F);
    }
  }
};

struct Q4_1 {
  static constexpr std::size_t kValues = 32, kBytes = 20;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const float minimum = half(in + 2);
    const Byte* q = in + 4;
    for (int i = 0; i < 16; ++i) {
      out[i] = scale * low(q[i]) + minimum;
      out[i + 16] = scale * high(q[i]) + minimum;
    }
  }
};

// The fifth bits of the 32 values are one little-endian word.
struct FifthBits {
  explicit FifthBits(const Byte* in) { std::memcpy(&bits, in, sizeof bits); }
  [[nodiscard]] float at(int value) const { return static_cast<float>(((bits >> value) & 1U) << 4); }
  std::uint32_t bits = 0;
};

struct Q5_0 {
  static constexpr std::size_t kValues = 32, kBytes = 22;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const FifthBits fifth(in + 2);
    const Byte* q = in + 6;
    for (int i = 0; i < 16; ++i) {
      out[i] = scale * (low(q[i]) + fifth.at(i) - 16.0F);
      out[i + 16] = scale * (high(q[i]) + fifth.at(i + 16) - 16.0F);
    }
  }
};

struct Q5_1 {
  static constexpr std::size_t kValues = 32, kBytes = 24;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const float minimum = half(in + 2);
    const FifthBits fifth(in + 4);
    const Byte* q = in + 8;
    for (int i = 0; i < 16; ++i) {
      out[i] = scale * (low(q[i]) + fifth.at(i)) + minimum;
      out[i + 16] = scale * (high(q[i]) + fifth.at(i + 16)) + minimum;
    }
  }
};

struct Q8_0 {
  static constexpr std::size_t kValues = 32, kBytes = 34;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const Byte* q = in + 2;
    for (int i = 0; i < 32; ++i) out[i] = scale * static_cast<float>(static_cast<std::int8_t>(q[i]));
  }
};

// Blocks of 256 (the K types) are two halves of 128 values. 2-bit parts: 32 bytes a half, of which bits 0-1 are the
// first 32 values, bits 2-3 the next 32, and so on. Groups of 16 or 32 values have a scale of their own.

struct Q2K {
  static constexpr std::size_t kValues = 256, kBytes = 84;
  static void expand(const Byte* in, float* out) {
    const Byte* scales = in;  // 16: the low nibble scales, the high one shifts
    const Byte* q = in + 16;
    const float scale = half(in + 80);
    const float minimum = half(in + 82);
    for (int group = 0; group < 16; ++group) {
      const float group_scale = scale * low(scales[group]);
      const float group_minimum = minimum * high(scales[group]);
      const Byte* part = q + group / 8 * 32 + group % 2 * 16;
      const int shift = group % 8 / 2 * 2;
      for (int i = 0; i < 16; ++i) {
        out[group * 16 + i] = group_scale * static_cast<float>((part[i] >> shift) & 3) - group_minimum;
      }
    }
  }
};

struct Q3K {
  static constexpr std::size_t kValues = 256, kBytes = 110;
  static void expand(const Byte* in, float* out) {
    const Byte* third_bits = in;  // bit b of byte i: value 32 b + i
    const Byte* q = in + 32;
    const Byte* packed = in + 96;  // 6-bit scales: 16 low nibbles in 8 bytes, 16 high pairs in 4
    const float scale = half(in + 108);
    for (int group = 0; group < 16; ++group) {
      const int low_bits = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
      const int high_bits = (packed[8 + group % 4] >> (group / 4 * 2)) & 3;
      const float group_scale = scale * static_cast<float>((low_bits | high_bits << 4) - 32);
      const Byte* part = q + group / 8 * 32 + group % 2 * 16;
      const Byte* third = third_bits + group % 2 * 16;
      const int shift = group % 8 / 2 * 2;
      const int bit = group / 2;
      for (int i = 0; i < 16; ++i) {
        const int value = ((part[i] >> shift) & 3) - (((third[i] >> bit) & 1) != 0 ? 0 : 4);
        out[group * 16 + i] = group_scale * static_cast<float>(value);
      }
    }
  }
};

// 12 bytes with eight 6-bit scales and eight 6-bit minima, shared by Q4_K and Q5_K.
struct SixBitPairs {
  explicit SixBitPairs(const Byte* packed) {
    for (int i = 0; i < 4; ++i) {
      scales[i] = static_cast<float>(packed[i] & 63);
      minima[i] = static_cast<float>(packed[i + 4] & 63);
      scales[i + 4] = static_cast<float>((packed[i + 8] & 15) | (packed[i] >> 6 << 4));
      minima[i + 4] = static_cast<float>((packed[i + 8] >> 4) | (packed[i + 4] >> 6 << 4));
    }
  }
  float scales[8];
  float minima[8];
};

struct Q4K {
  static constexpr std::size_t kValues = 256, kBytes = 144;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const float minimum = half(in + 2);
    const SixBitPairs pairs(in + 4);
    const Byte* q = in + 16;
    for (int group = 0; group < 8; ++group) {
      const float group_scale = scale * pairs.scales[group];
      const float group_minimum = minimum * pairs.minima[group];
      const Byte* part = q + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        out[group * 32 + i] = group_scale * static_cast<float>((part[i] >> shift) & 15) - group_minimum;
      }
    }
  }
};

struct Q5K {
  static constexpr std::size_t kValues = 256, kBytes = 176;
  static void expand(const Byte* in, float* out) {
    const float scale = half(in);
    const float minimum = half(in + 2);
    const SixBitPairs pairs(in + 4);
    const Byte* fifth_bits = in + 16;  // bit g of byte i: value 32 g + i
    const Byte* q = in + 48;
    for (int group = 0; group < 8; ++group) {
      const float group_scale = scale * pairs.scales[group];
      const float group_minimum = minimum * pairs.minima[group];
      const Byte* part = q + group / 2 * 32;
      const int shift = group % 2 * 4;
      for (int i = 0; i < 32; ++i) {
        const int value = ((part[i] >> shift) & 15) | (((fifth_bits[i] >> group) & 1) << 4);
        out[group * 32 + i] = group_scale * static_cast<float>(value) - group_minimum;
      }
    }
  }
};

struct Q6K {
  static constexpr std::size_t kValues = 256, kBytes = 210;
  static void expand(const Byte* in, float* out) {
    const Byte* low_bits = in;         // 64 bytes a half: low nibbles values 0-63, high ones 64-127
    const Byte* high_bits = in + 128;  // 32 bytes a half, two bits for each 32 values
    const Byte* scales = in + 192;
    const float scale = half(in + 208);
    for (int group = 0; group < 16; ++group) {
      const float group_scale = scale * static_cast<float>(static_cast<std::int8_t>(scales[group]));
      const int within = group % 8;
      const Byte* four = low_bits + group / 8 * 64 + within % 4 * 16;
      const Byte* two = high_bits + group / 8 * 32 + within % 2 * 16;
      const int shift_four = within / 4 * 4;
      const int shift_two = within / 2 * 2;
      for (int i = 0; i < 16; ++i) {
        const int value = ((four[i] >> shift_four) & 15) | (((two[i] >> shift_two) & 3) << 4);
        out[group * 16 + i] = group_scale * static_cast<float>(value - 32);
      }
    }
  }
};

template <class Block>
void expand_all(std::span<const std::byte> stored, std::span<float> out) {
  assert(out.size() % Block::kValues == 0 && stored.size() == out.size() / Block::kValues * Block::kBytes);
  const auto* in = reinterpret_cast<const Byte*>(stored.data());
  for (std::size_t first = 0; first < out.size(); first += Block::kValues, in += Block::kBytes) {
    Block::expand(in, out.data() + first);
  }
}

}  // namespace

void dequantize_gguf(GgufTensorType type, std::span<const std::byte> stored, std::span<float> out) {
  switch (type) {
    case GgufTensorType::kF32:
      return to_float32(DType::kF32, stored, out);
    case GgufTensorType::kF16:
      return to_float32(DType::kF16, stored, out);
    case GgufTensorType::kBF16:
      return to_float32(DType::kBF16, stored, out);
    case GgufTensorType::kF64:
      return to_float32(DType::kF64, stored, out);
    case GgufTensorType::kQ4_0:
      return expand_all<Q4_0>(stored, out);
    case GgufTensorType::kQ4_1:
      return expand_all<Q4_1>(stored, out);
    case GgufTensorType::kQ5_0:
      return expand_all<Q5_0>(stored, out);
    case GgufTensorType::kQ5_1:
      return expand_all<Q5_1>(stored, out);
    case GgufTensorType::kQ8_0:
      return expand_all<Q8_0>(stored, out);
    case GgufTensorType::kQ2K:
      return expand_all<Q2K>(stored, out);
    case GgufTensorType::kQ3K:
      return expand_all<Q3K>(stored, out);
    case GgufTensorType::kQ4K:
      return expand_all<Q4K>(stored, out);
    case GgufTensorType::kQ5K:
      return expand_all<Q5K>(stored, out);
    case GgufTensorType::kQ6K:
      return expand_all<Q6K>(stored, out);
  }
  assert(false && "the caller checks that the type is readable");
}

}  // namespace cambium::checkpoint
