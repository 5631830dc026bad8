#include "shift/moments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "shift/parameter_shift.h"

namespace cambium::shift {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::FloatEq;

Moments moments_of(const std::vector<float>& base, const std::vector<float>& tuned) {
  MomentLanes lanes;
  std::vector<float> magnitudes(base.size());
  lanes.add(base, tuned, magnitudes);
  return lanes.total();
}

TEST(Moments, OfFourPairsByHand) {
  // d = {2, 0, -3, -1}
  const Moments m = moments_of({1, 2, 2, 0}, {3, 2, -1, -1});
  EXPECT_EQ(m.count, 4U);
  EXPECT_DOUBLE_EQ(m.mean_abs(), 1.5);
  EXPECT_DOUBLE_EQ(m.rms(), std::sqrt(14.0 / 4));
  EXPECT_DOUBLE_EQ(m.max_abs, 3);
  EXPECT_DOUBLE_EQ(m.relative(), std::sqrt(14.0) / 3);
  EXPECT_DOUBLE_EQ(m.cosine(), 5 / (3 * std::sqrt(15.0)));
  EXPECT_DOUBLE_EQ(m.equal_share(), 0.25);
  EXPECT_DOUBLE_EQ(m.sign_change_share(), 0.25);  // 2 -> -1; 0 -> -1 is none
}

TEST(Moments, OfEqualTensorsAreExactlyNothing) {
  const Moments m = moments_of({0.1F, -0.7F, 3}, {0.1F, -0.7F, 3});
  EXPECT_EQ(m.sum_abs, 0);
  EXPECT_EQ(m.relative(), 0);
  EXPECT_EQ(m.cosine(), 1);
  EXPECT_EQ(m.equal_share(), 1);
}

TEST(Moments, OfZeroHaveNoDirection) {
  const Moments m = moments_of({0, -0.0F}, {-0.0F, 1});
  EXPECT_TRUE(std::isnan(m.relative()));
  EXPECT_TRUE(std::isnan(m.cosine()));
  EXPECT_EQ(m.equal, 1U);  // 0 and -0
  EXPECT_EQ(Moments{}.mean_abs(), 0);
}

TEST(Moments, AddUpAsOneTensor) {
  Moments first = moments_of({1, 2}, {3, 2});
  first += moments_of({2, 0}, {-1, -1});
  const Moments all = moments_of({1, 2, 2, 0}, {3, 2, -1, -1});
  EXPECT_EQ(first.count, all.count);
  EXPECT_EQ(first.sum_squares, all.sum_squares);
  EXPECT_EQ(first.max_abs, all.max_abs);
  EXPECT_EQ(first.sign_changes, all.sign_changes);
}

TEST(Moments, DoNotOverflowOnTheLargestFloats) {
  const float huge = std::numeric_limits<float>::max();
  MomentLanes lanes;
  std::vector<float> magnitudes(1);
  lanes.add(std::vector{huge}, std::vector{-huge}, magnitudes);
  EXPECT_TRUE(lanes.total().finite());
  EXPECT_EQ(lanes.total().sum_abs, 2.0 * huge);
  EXPECT_THAT(magnitudes, ElementsAre(huge));
  EXPECT_EQ(lanes.total().cosine(), -1);
}

// The plain form of the sums: element i in lane i % 8, lanes added in order.
Moments plain(const std::vector<float>& base, const std::vector<float>& tuned, std::vector<float>& magnitudes) {
  MomentLanes lanes;
  for (std::size_t i = 0; i < base.size(); ++i) {
    const double b = base[i], t = tuned[i], d = t - b;
    const std::size_t lane = i % 8;
    lanes.absolute[lane] += std::abs(d);
    lanes.squares[lane] += d * d;
    lanes.base_squares[lane] += b * b;
    lanes.tuned_squares[lane] += t * t;
    lanes.products[lane] += b * t;
    lanes.largest[lane] = std::max(lanes.largest[lane], std::abs(d));
    lanes.equal += b == t;
    lanes.sign_changes += (b < 0 && t > 0) || (b > 0 && t < 0);
    magnitudes.push_back(static_cast<float>(std::abs(d)));
  }
  lanes.count = base.size();
  return lanes.total();
}

TEST(Moments, OfTheVectorKernelHaveTheBitsOfThePlainLoopAtEveryLength) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (std::size_t size = 0; size < 70; ++size) {
    std::vector<float> base(size), tuned(size), expected_magnitudes, magnitudes(size);
    for (std::size_t i = 0; i < size; ++i) {
      base[i] = normal(random);
      tuned[i] = i % 5 == 0 ? base[i] : base[i] + 0.7F * normal(random);
    }
    const Moments expected = plain(base, tuned, expected_magnitudes);
    MomentLanes lanes;
    const MagnitudeRange range = lanes.add(base, tuned, magnitudes);
    for (const float m : magnitudes) {
      EXPECT_TRUE(m == 0 || m >= range.smallest);
      EXPECT_LE(m, range.largest);
    }
    const Moments m = lanes.total();
    EXPECT_EQ(m.count, size);
    EXPECT_EQ(m.equal, expected.equal);
    EXPECT_EQ(m.sign_changes, expected.sign_changes);
    EXPECT_EQ(m.sum_abs, expected.sum_abs);
    EXPECT_EQ(m.sum_squares, expected.sum_squares);
    EXPECT_EQ(m.base_squares, expected.base_squares);
    EXPECT_EQ(m.tuned_squares, expected.tuned_squares);
    EXPECT_EQ(m.products, expected.products);
    EXPECT_EQ(m.max_abs, expected.max_abs);
    EXPECT_EQ(magnitudes, expected_magnitudes);
    EXPECT_EQ(sum_absolute_shift(base, tuned), expected.sum_abs);
  }
}

TEST(MomentLanes, TellWhatTheMagnitudesSpan) {
  MomentLanes lanes;
  std::vector<float> magnitudes(4);
  const MagnitudeRange range = lanes.add(std::vector<float>{1, 2, 2, 0}, std::vector<float>{3, 2, -1, -1}, magnitudes);
  EXPECT_EQ(range.smallest, 1);
  EXPECT_EQ(range.largest, 3);
  EXPECT_TRUE(std::isinf(lanes.add({}, {}, {}).smallest));
}

TEST(SumAbsoluteShift, IsNotFiniteWhenAnInputIsNot) {
  EXPECT_TRUE(std::isnan(sum_absolute_shift(std::vector<float>{1, 2}, std::vector<float>{1, NAN})));
  EXPECT_TRUE(std::isinf(sum_absolute_shift(std::vector<float>{1, 2}, std::vector<float>{1, INFINITY})));
  EXPECT_EQ(sum_absolute_shift({}, {}), 0);
}

}  // namespace
}  // namespace cambium::shift
