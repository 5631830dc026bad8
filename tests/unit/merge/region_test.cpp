#include "merge/region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "support/memory_tensor.h"

namespace cambium::merge {
namespace {

using ::testing::ElementsAre;
using testing_support::MemoryInput;
using testing_support::stored_as;

// A 4 x 3 matrix of 0 .. 11.
std::shared_ptr<const MemoryInput> counting() {
  std::vector<float> values(12);
  std::iota(values.begin(), values.end(), 0.0F);
  return std::make_shared<MemoryInput>("m", DType::kF32, Shape{4, 3}, stored_as(DType::kF32, values));
}

std::vector<float> values_of(const InputTensor& tensor, std::size_t first, std::size_t count) {
  std::vector<float> values(count);
  tensor.read(first, values);
  return values;
}

TEST(Region, RowsAreReadInTheirOrder) {
  const std::array<std::int64_t, 3> rows{0, 2, 3};
  const auto part = part_of(counting(), Region::rows({4, 3}, runs_of(rows)));
  EXPECT_EQ(part->shape(), (Shape{3, 3}));
  EXPECT_THAT(values_of(*part, 2, 4), ElementsAre(2, 6, 7, 8));
  EXPECT_TRUE(part->stored().empty());
}

TEST(Region, RunOfRowsIsOneStretchOfMemory) {
  const auto part = part_of(counting(), Region::rows({4, 3}, {{1, 2}}));
  EXPECT_EQ(part->stored().size(), 6 * sizeof(float));
  EXPECT_THAT(values_of(*part, 0, 6), ElementsAre(3, 4, 5, 6, 7, 8));
}

TEST(Region, BandOfColumnsIsReadRowByRow) {
  const auto part = part_of(counting(), Region::columns({4, 3}, 1, 2));
  EXPECT_EQ(part->shape(), (Shape{4, 2}));
  EXPECT_THAT(values_of(*part, 1, 5), ElementsAre(2, 4, 5, 7, 8));
}

TEST(Region, AllRowsAreTheTensorItself) {
  const auto whole = counting();
  EXPECT_EQ(part_of(whole, Region::rows({4, 3}, {{0, 4}})), whole);
}

}  // namespace
}  // namespace cambium::merge
