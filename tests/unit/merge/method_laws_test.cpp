// What must hold for any weights: settings that switch a method off, and methods that coincide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "support/merge_task.h"

namespace cambium::merge {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;
using testing_support::base_model;
using testing_support::make_task;
using testing_support::merged;
using testing_support::Model;
using testing_support::random_weights;
using testing_support::tuned_from;

class MergeLaws : public ::testing::Test {
 protected:
  static constexpr std::int64_t kRows = 40, kColumns = 517;
  const std::vector<float> base_ = random_weights(kRows * kColumns, 1);
  const std::vector<float> first_ = tuned_from(base_, 2);
  const std::vector<float> second_ = tuned_from(base_, 3);

  // One or two tuned models that share their parameters.
  [[nodiscard]] std::vector<float> merge(const std::string& method, const Parameters& each,
                                         const Parameters& shared = {}) const {
    return merged(make_task(method, {kRows, kColumns},
                            {base_model(base_), Model{"first", first_, each}, Model{"second", second_, each}}, shared));
  }
  [[nodiscard]] std::vector<float> merge_one(const std::string& method, const Parameters& each,
                                             const Parameters& shared = {}) const {
    return merged(make_task(method, {kRows, kColumns}, {base_model(base_), Model{"first", first_, each}}, shared));
  }
};

TEST_F(MergeLaws, DensityOneMakesEverySparseMethodItsDenseOne) {
  const std::vector<float> linear = merge("task_arithmetic", {{"weight", 0.4}});
  for (const char* method : {"dare_linear", "della_linear", "breadcrumbs"}) {
    EXPECT_EQ(merge(method, {{"weight", 0.4}, {"density", 1}}), linear) << method;
  }
  const std::vector<float> elected = merge("ties", {{"weight", 0.4}, {"density", 1}}, {{"normalize", 0}});
  for (const char* method : {"dare_ties", "della", "breadcrumbs_ties"}) {
    EXPECT_EQ(merge(method, {{"weight", 0.4}, {"density", 1}}, {{"normalize", 0}}), elected) << method;
  }
}

TEST_F(MergeLaws, WeightLambdaAlphaOrDensityZeroIsTheBase) {
  for (const char* method : {"task_arithmetic", "ties", "dare_linear", "della", "breadcrumbs"}) {
    EXPECT_EQ(merge(method, {{"weight", 0}}), base_) << method;
    EXPECT_EQ(merge(method, {{"weight", 1}}, {{"lambda", 0}}), base_) << method;
  }
  for (const char* method : {"ties", "dare_linear", "della", "breadcrumbs"}) {
    EXPECT_EQ(merge(method, {{"weight", 1}, {"density", 0}}), base_) << method;
  }
  EXPECT_EQ(merge("recover", {{"alpha", 0}}), base_);
  EXPECT_EQ(merge("recover", {{"alpha", 1}, {"density", 0}}), base_);
  EXPECT_EQ(merge("neuron_fusion", {{"density", 0}}), base_);
  EXPECT_EQ(merge("shift_softmax", {}, {{"alpha0", 1}}), base_);
  EXPECT_EQ(merge_one("slerp", {}, {{"t", 0}}), base_);
  EXPECT_EQ(merge_one("nearswap", {}, {{"t", 0}}), base_);
}

TEST_F(MergeLaws, TheWholeWayToOneModelIsThatModel) {
  const auto is_first = Pointwise(FloatNear(1e-8F), first_);
  EXPECT_THAT(merge_one("task_arithmetic", {{"weight", 1}}), is_first);
  EXPECT_THAT(merge_one("ties", {{"weight", 1}}), is_first);
  EXPECT_THAT(merge_one("recover", {{"alpha", 1}}), is_first);
  EXPECT_THAT(merge_one("neuron_fusion", {{"density", 1}}), is_first);
  EXPECT_THAT(merge_one("neuron_fusion", {{"suppress", 1}}), is_first);
  EXPECT_THAT(merge_one("shift_softmax", {}, {{"alpha0", 0}}), is_first);
  EXPECT_THAT(merge_one("slerp", {}, {{"t", 1}}), is_first);
  EXPECT_THAT(merge_one("nearswap", {}, {{"t", 1}}), is_first);
}

TEST_F(MergeLaws, ShiftSoftmaxWithTauZeroIsTheAverageAndWithALargeOneTheModelThatMovedMost) {
  EXPECT_THAT(merge("shift_softmax", {}, {{"alpha0", 0}, {"tau", 0}}),
              Pointwise(FloatNear(1e-8F), merge("average", {})));
  const std::vector<float> far = tuned_from(base_, 4, 0.01F);
  const auto task = make_task("shift_softmax", {kRows, kColumns}, {base_model(base_), {"near", first_}, {"far", far}},
                              {{"alpha0", 0}, {"tau", 1e5}});
  EXPECT_EQ(merged(task), far);
}

TEST_F(MergeLaws, RecoverIsTaskArithmeticOfTheLargestDifferences) {
  EXPECT_THAT(merge_one("recover", {{"alpha", 0.05}, {"density", 0.2}}),
              Pointwise(FloatNear(1e-8F), merge_one("ties", {{"weight", 0.05}, {"density", 0.2}}, {{"normalize", 0}})));
}

TEST_F(MergeLaws, OrderOfTheModelsDoesNotMatterToSymmetricMethods) {
  for (const char* method : {"average", "karcher", "model_stock", "sce", "ram"}) {
    const auto task = make_task(method, {kRows, kColumns}, {base_model(base_), {"second", second_}, {"first", first_}});
    EXPECT_THAT(merged(task), Pointwise(FloatNear(1e-8F), merge(method, {}))) << method;
  }
}

TEST_F(MergeLaws, RandomMethodsChangeWithTheSeedAndOnlyWithIt) {
  for (const char* method : {"dare_linear", "dare_ties", "della", "della_linear"}) {
    TensorTask task = make_task(method, {kRows, kColumns},
                                {base_model(base_), Model{"first", first_, {{"weight", 1}, {"density", 0.5}}}});
    task.seed = 1;
    const std::vector<float> one = merged(task);
    EXPECT_EQ(merged(task), one) << method;
    task.seed = 2;
    EXPECT_NE(merged(task), one) << method;
  }
}

}  // namespace
}  // namespace cambium::merge
