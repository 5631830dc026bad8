#include "study/front_comparison.h"

#include <gtest/gtest.h>

#include <vector>

namespace cambium::study {
namespace {

using Points = std::vector<KeptAndGained>;

TEST(FrontGap, IsTheDistanceOfParallelFronts) {
  // Two straight lines, three points apart in what is gained; the points lie at other places.
  const Points first{{10, 50}, {30, 30}, {50, 10}};
  const Points second{{20, 43}, {40, 23}};
  EXPECT_NEAR(front_gap(first, second).value(), 3, 1e-9);
  EXPECT_NEAR(front_gap(second, first).value(), -3, 1e-9);
}

TEST(FrontGap, LooksOnlyAtWhatBothReach) {
  const Points first{{0, 10}, {10, 0}};
  const Points second{{8, 6}, {20, 0}};  // at 8: 6 against 2, at 10: 5 against 0; at 8 to 10 the mean of 4 and 5
  EXPECT_NEAR(front_gap(first, second).value(), 4.5, 1e-9);
  EXPECT_FALSE(front_gap(Points{{0, 1}, {1, 0}}, Points{{2, 1}, {3, 0}}).has_value());
  EXPECT_FALSE(front_gap(Points{}, second).has_value());
}

TEST(FrontGap, PassesOverPointsThatOthersBeat) {
  const Points first{{10, 50}, {9, 20}, {30, 30}, {25, 1}, {50, 10}};
  EXPECT_NEAR(front_gap(first, Points{{10, 50}, {50, 10}}).value(), 0, 1e-9);
}

}  // namespace
}  // namespace cambium::study
