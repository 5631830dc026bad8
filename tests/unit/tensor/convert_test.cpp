#include "tensor/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "support/each_target.h"
#include "tensor/convert_reference.h"

namespace cambium {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing_support::on_each_target;

constexpr DType kTypes[] = {DType::kF16, DType::kBF16, DType::kF32, DType::kF64};

std::size_t size_of(DType dtype) { return static_cast<std::size_t>(bits_of(dtype)) / 8; }

std::vector<std::uint16_t> narrow16(DType dtype, const std::vector<float>& values) {
  std::vector<std::uint16_t> out(values.size());
  from_float32(dtype, values, std::as_writable_bytes(std::span(out)));
  return out;
}

std::vector<float> widen16(DType dtype, const std::vector<std::uint16_t>& stored) {
  std::vector<float> out(stored.size());
  to_float32(dtype, std::as_bytes(std::span(stored)), out);
  return out;
}

// Values around every rounding boundary: random bits, small steps about halfway points, subnormals, infinities and
// NaNs.
std::vector<float> awkward_values() {
  std::mt19937 random(7);
  std::vector<float> values{0.0F,
                            -0.0F,
                            65504.0F,
                            65519.99F,
                            65520.0F,
                            65536.0F,
                            -65520.0F,
                            INFINITY,
                            -INFINITY,
                            NAN,
                            -NAN,
                            std::numeric_limits<float>::denorm_min(),
                            std::numeric_limits<float>::max(),
                            std::bit_cast<float>(0x7f800001U),
                            std::bit_cast<float>(0xff812345U),
                            std::bit_cast<float>(0x7fffffffU)};
  for (std::uint32_t high = 0; high < 0x10000U; high += 37) {
    for (const std::uint32_t low : {0x0fffU, 0x1000U, 0x1001U, 0x3000U, 0x7fffU, 0x8000U, 0x8001U}) {
      values.push_back(std::bit_cast<float>(high << 16 | low));
    }
  }
  for (int i = 0; i < 20000; ++i) values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(random())));
  std::uniform_real_distribution<float> exponent(-27.0F, -13.0F);
  for (int i = 0; i < 20000; ++i) values.push_back(std::exp2(exponent(random)));
  return values;
}

TEST(Convert, RoundsHalvesToNearestEvenWithOverflowToInfinity) {
  // 1 + 2^-11 is halfway to 1 + 2^-10: even is 1.0; three halves of a step above goes to the even 1 + 2^-9.
  on_each_target([] {
    EXPECT_THAT(narrow16(DType::kF16,
                         {1.00048828125F, 1.00146484375F, 65519.0F, 65520.0F, -1e9F, 5.9604645e-8F, 2.9802322e-8F}),
                ElementsAre(0x3c00, 0x3c02, 0x7bff, 0x7c00, 0xfc00, 0x0001, 0x0000));
  });
}

TEST(Convert, RoundsBfloatsToNearestEven) {
  on_each_target([] {
    const auto from_bits = [](std::uint32_t bits) { return std::bit_cast<float>(bits); };
    EXPECT_THAT(narrow16(DType::kBF16, {from_bits(0x3f808000), from_bits(0x3f818000), from_bits(0x3f808001),
                                        from_bits(0x7f7fffff), from_bits(0xff800000)}),
                ElementsAre(0x3f80, 0x3f82, 0x3f81, 0x7f80, 0xff80));
  });
}

TEST(Convert, KeepsNaNsNaN) {
  on_each_target([] {
    // The payload of the second lies in the bits that are cut off.
    const std::vector<float> nans{NAN, std::bit_cast<float>(0x7f800001U), std::bit_cast<float>(0xffc00000U)};
    for (const DType dtype : {DType::kF16, DType::kBF16}) {
      EXPECT_THAT(widen16(dtype, narrow16(dtype, nans)), Each(testing::Truly([](float v) { return std::isnan(v); })));
    }
  });
}

TEST(Convert, WidensEvery16BitPatternAsTheReferenceDoes) {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  const auto stored = std::as_bytes(std::span(all));
  on_each_target([&] {
    for (const DType dtype : {DType::kF16, DType::kBF16}) {
      std::vector<float> fast(all.size());
      std::vector<float> plain(all.size());
      to_float32(dtype, stored, fast);
      to_float32_reference(dtype, stored, plain);
      EXPECT_EQ(std::memcmp(fast.data(), plain.data(), fast.size() * sizeof(float)), 0) << name_of(dtype);
    }
  });
}

TEST(Convert, RoundsAsTheReferenceDoes) {
  const std::vector<float> values = awkward_values();
  on_each_target([&] {
    for (const DType dtype : kTypes) {
      std::vector<std::byte> fast(values.size() * size_of(dtype));
      std::vector<std::byte> plain(fast.size());
      from_float32(dtype, values, fast);
      from_float32_reference(dtype, values, plain);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t at = i * size_of(dtype);
        ASSERT_EQ(std::memcmp(&fast[at], &plain[at], size_of(dtype)), 0)
            << name_of(dtype) << " of bits " << std::hex << std::bit_cast<std::uint32_t>(values[i]);
      }
    }
  });
}

TEST(Convert, DoublesAreRoundedToTheNearestFloat) {
  const std::vector<double> doubles{1.0 + 0x1p-24, 1.0 + 3 * 0x1p-24, 1e300, 0.1};
  std::vector<float> out(doubles.size());
  on_each_target([&] {
    to_float32(DType::kF64, std::as_bytes(std::span(doubles)), out);
    EXPECT_THAT(out, ElementsAre(1.0F, 1.0F + 0x1p-22F, INFINITY, 0.1F));
  });
}

TEST(Convert, WorksAtAnyLengthAndAlignment) {
  std::mt19937 random(11);
  on_each_target([&] {
    for (const DType dtype : kTypes) {
      for (std::size_t count = 0; count < 70; ++count) {
        std::vector<float> values(count);
        for (float& value : values) value = static_cast<float>(random()) / 1e9F - 2.0F;
        for (const std::size_t shift : {0U, 1U, 3U}) {
          std::vector<std::byte> fast(count * size_of(dtype) + shift + 1, std::byte{0x55});
          std::vector<std::byte> plain(count * size_of(dtype));
          const auto place = std::span(fast).subspan(shift, plain.size());
          from_float32(dtype, values, place);
          from_float32_reference(dtype, values, plain);
          ASSERT_TRUE(std::ranges::equal(place, plain)) << name_of(dtype) << " x " << count;
          ASSERT_EQ(fast.back(), std::byte{0x55});
          std::vector<float> wide(count + 1, 77.0F);
          std::vector<float> wide_plain(count);
          to_float32(dtype, place, std::span(wide).first(count));
          to_float32_reference(dtype, plain, wide_plain);
          ASSERT_TRUE(std::ranges::equal(std::span(wide).first(count), wide_plain));
          ASSERT_EQ(wide.back(), 77.0F);
        }
      }
    }
  });
}

TEST(FirstNonfinite, FindsTheFirstOneWhereverItIs) {
  on_each_target([] {
    for (std::size_t count = 0; count < 150; ++count) {
      std::vector<float> values(count, -3e38F);
      ASSERT_EQ(first_nonfinite(values), count);
      for (std::size_t at = 0; at < count; ++at) {
        values[at] = at % 3 == 0 ? NAN : (at % 3 == 1 ? INFINITY : -INFINITY);
        if (at + 1 < count) values[count - 1] = INFINITY;
        ASSERT_EQ(first_nonfinite(values), at);
        values[at] = values[count - 1] = 0.0F;
      }
    }
  });
}

}  // namespace
}  // namespace cambium
