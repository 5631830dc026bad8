#include "merge/low_rank.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "support/each_target.h"

namespace cambium::merge {
namespace {

std::vector<float> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

TEST(AddLowRank, GivesTheBitsOfThePlainLoopsOnEveryInstructionSet) {
  testing_support::on_each_target([] {
    for (const std::size_t rank : {1U, 3U, 16U}) {
      for (const std::size_t rows : {1U, 2U, 5U}) {
        for (const std::size_t columns : {1U, 7U, 63U, 64U, 65U, 200U}) {
          const std::vector<float> left = random_values(rows * rank, 1);
          const std::vector<float> right = random_values(rank * columns, 2);
          std::vector<float> fast = random_values(rows * columns, 3);
          std::vector<float> plain = fast;
          add_low_rank(left, right, rank, 0.7F, fast);
          add_low_rank_reference(left, right, rank, 0.7F, plain);
          ASSERT_EQ(fast, plain) << rank << " " << rows << " x " << columns;
        }
      }
    }
  });
}

// By hand: (1 2) * (3 4; 5 6) = (13 16), twice that on top of (100 200).
TEST(AddLowRank, AddsTheScaledProduct) {
  std::vector<float> out{100, 200};
  add_low_rank(std::vector<float>{1, 2}, std::vector<float>{3, 4, 5, 6}, 2, 2.0F, out);
  EXPECT_EQ(out, (std::vector<float>{126, 232}));
}

}  // namespace
}  // namespace cambium::merge
