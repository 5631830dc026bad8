#include "tensor/shape.h"

#include <gtest/gtest.h>

#include <limits>

namespace cambium {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

TEST(Shape, CountsElementsOfScalarsAndMatrices) {
  EXPECT_EQ(numel({}), 1U);
  EXPECT_EQ(numel({4096, 11008}), 45088768U);
  EXPECT_EQ(numel({3, 0}), 0U);
}

TEST(Shape, RefusesNegativeSizesAndProductsOver63Bits) {
  EXPECT_EQ(checked_numel({-1, 4}), std::nullopt);
  EXPECT_EQ(checked_numel({0, -1}), std::nullopt);
  EXPECT_EQ(checked_numel({kMax, 2}), std::nullopt);
  EXPECT_EQ(checked_numel({std::int64_t{1} << 32, std::int64_t{1} << 32}), std::nullopt);
  EXPECT_EQ(checked_numel({kMax}), kMax);
}

TEST(Shape, EmptyTensorsAreEmptyWhateverTheirOtherSizes) { EXPECT_EQ(checked_numel({kMax, kMax, 0}), 0); }

TEST(Shape, PrintsLikeALine) {
  EXPECT_EQ(to_string({4096, 11008}), "[4096, 11008]");
  EXPECT_EQ(to_string({}), "[]");
}

}  // namespace
}  // namespace cambium
