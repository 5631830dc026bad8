#include "shift/bfloat16_pairs.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "support/each_target.h"
#include "tensor/convert.h"

namespace cambium::shift {
namespace {

std::vector<float> widened(std::span<const std::byte> stored) {
  std::vector<float> values(stored.size() / 2);
  to_float32(DType::kBF16, stored, values);
  return values;
}

// The general way: widen, sum, count.
void add_widened(std::span<const std::byte> base, std::span<const std::byte> tuned, MomentLanes& sums,
                 MagnitudeTable& table) {
  const std::vector<float> b = widened(base), t = widened(tuned);
  std::vector<float> magnitudes(b.size());
  const MagnitudeRange range = sums.add(b, t, magnitudes);
  table.add(magnitudes, range);
}

void expect_same(const Moments& found, const Moments& expected) {
  EXPECT_EQ(found.count, expected.count);
  EXPECT_EQ(found.equal, expected.equal);
  EXPECT_EQ(found.sign_changes, expected.sign_changes);
  EXPECT_EQ(found.sum_abs, expected.sum_abs);
  EXPECT_EQ(found.sum_squares, expected.sum_squares);
  EXPECT_EQ(found.base_squares, expected.base_squares);
  EXPECT_EQ(found.tuned_squares, expected.tuned_squares);
  EXPECT_EQ(found.products, expected.products);
  EXPECT_EQ(found.max_abs, expected.max_abs);
}

void expect_same(const std::vector<MassBucket>& found, const std::vector<MassBucket>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].key, expected[i].key);
    EXPECT_EQ(found[i].count, expected[i].count);
    EXPECT_EQ(found[i].low_sum, expected[i].low_sum);
  }
}

// Bits of finite values, of every exponent or about 1; every third tuned value equals its base.
std::vector<std::byte> drawn(std::size_t count, unsigned seed, bool wide, std::span<const std::byte> like = {}) {
  std::mt19937 random(seed);
  std::vector<std::byte> stored(2 * count);
  for (std::size_t i = 0; i < count; ++i) {
    auto bits = static_cast<std::uint16_t>(random());
    if (!wide) bits = static_cast<std::uint16_t>((bits & 0x80ffU) | 0x3f00U);
    if ((bits & 0x7f80U) == 0x7f80U) bits = static_cast<std::uint16_t>(bits & 0x8000U);  // a zero
    if (!like.empty() && i % 3 == 0) std::memcpy(&bits, like.data() + 2 * i, 2);
    std::memcpy(stored.data() + 2 * i, &bits, 2);
  }
  return stored;
}

void expect_same_at_every_length_and_address() {
  for (const bool wide : {false, true}) {
    for (const std::size_t size : {0U, 1U, 7U, 16U, 31U, 32U, 33U, 64U, 100U, 1024U, 1025U, 5000U}) {
      SCOPED_TRACE(testing::Message() << size << (wide ? " values of every exponent" : " values about 1"));
      std::vector<std::byte> base = drawn(size, 1, wide), tuned = drawn(size, 2, wide, base);
      MomentLanes sums, expected_sums;
      MagnitudeTable table, expected_table;
      // At an odd address, and added to what is there.
      base.insert(base.begin(), std::byte{});
      tuned.insert(tuned.begin(), std::byte{});
      for (int turn = 0; turn < 2; ++turn) {
        const auto b = std::span<const std::byte>(base).subspan(1), t = std::span<const std::byte>(tuned).subspan(1);
        EXPECT_TRUE(add_bfloat16_pairs(b, t, sums, table));
        add_widened(b, t, expected_sums, expected_table);
      }
      expect_same(sums.total(), expected_sums.total());
      expect_same(table.take(), expected_table.take());
    }
  }
}

TEST(Bfloat16Pairs, GiveTheBitsOfTheWidenedValuesWithTheVectorsOfEveryMachine) {
  testing_support::on_each_target(expect_same_at_every_length_and_address);
}

TEST(Bfloat16Pairs, OfZerosOfBothSignsAreEqualAndChangeNoSign) {
  const std::vector<std::uint16_t> base{0x0000, 0x8000, 0x8000, 0x3f80}, tuned{0x8000, 0x0000, 0x3f80, 0xbf80};
  MomentLanes sums;
  MagnitudeTable table;
  ASSERT_TRUE(add_bfloat16_pairs(std::as_bytes(std::span(base)), std::as_bytes(std::span(tuned)), sums, table));
  EXPECT_EQ(sums.equal, 2U);
  EXPECT_EQ(sums.sign_changes, 1U);  // 1 -> -1; -0 -> 1 is none
  const std::vector<MassBucket> buckets = table.take();
  ASSERT_EQ(buckets.size(), 3U);  // of 0, 1 and 2
  EXPECT_EQ(buckets[0].count, 2U);
}

TEST(Bfloat16Pairs, WithNanOrInfinityAreNotAdded) {
  for (const auto bad : std::vector<std::uint16_t>{0x7f80, 0xff80, 0x7fc0, 0xff81}) {
    for (const std::size_t at : {0U, 31U, 40U}) {
      std::vector<std::uint16_t> fine(41, 0x3f80), spoiled(41, 0x4000);
      spoiled[at] = bad;
      const auto a = std::as_bytes(std::span(fine)), b = std::as_bytes(std::span(spoiled));
      MomentLanes sums;
      MagnitudeTable table;
      EXPECT_FALSE(add_bfloat16_pairs(a, b, sums, table));
      EXPECT_FALSE(add_bfloat16_pairs(b, a, sums, table));
      EXPECT_EQ(sums.count, 0U);
      EXPECT_TRUE(table.take().empty());
    }
  }
}

}  // namespace
}  // namespace cambium::shift
