#include "tasks/python_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cambium::tasks {
namespace {

using testing::ElementsAre;

// Each expectation is what CPython 3.11's random.Random gives.
TEST(PythonRandom, DrawsTheNumbersOfCPython) {
  PythonRandom random(1234);
  EXPECT_EQ(random.uniform(), 0.9664535356921388);
  EXPECT_EQ(random.uniform(), 0.4407325991753527);
  EXPECT_EQ(PythonRandom(0).uniform(), 0.8444218515250481);
  EXPECT_EQ(PythonRandom(12345678901234).uniform(), 0.02504137575317178);
}

TEST(PythonRandom, SamplesFromSmallAndLargePopulations) {
  PythonRandom random(1234);
  EXPECT_THAT(random.sample(10, 3), ElementsAre(7, 1, 0));
  EXPECT_THAT(random.sample(1000, 4), ElementsAre(92, 932, 965, 961));
  EXPECT_THAT(random.sample(40, 6), ElementsAre(37, 2, 5, 6, 22, 15));
}

}  // namespace
}  // namespace cambium::tasks
