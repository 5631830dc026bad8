#include "merge/global_threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "support/merge_task.h"
#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::merge {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing_support::base_model;
using testing_support::make_task;
using testing_support::merged;
using testing_support::random_weights;
using testing_support::tuned_from;

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

TensorTask difference(const std::vector<float>& base, const std::vector<float>& tuned) {
  return make_task("recover", {static_cast<std::int64_t>(base.size())},
                   {base_model(base), {"llm", tuned, {{"alpha", 1}}}});
}

TEST(GlobalThreshold, CutsAcrossTensorsAndSharesTiesInTheirOrder) {
  // Magnitudes: {3, 2, 2}, {2, 5}, {1, 2}
  const std::vector<TensorTask> tasks{difference({0, 0, 0}, {3, -2, 2}), difference({1, 1}, {3, 6}),
                                      difference({0, 0}, {1, 2})};
  const auto task = [&](std::size_t i) { return tasks[i]; };
  const auto threshold = find_global_threshold(3, task, 5.0 / 7, {});
  EXPECT_EQ(threshold.magnitude, 2);
  EXPECT_EQ(threshold.kept, 5U);
  EXPECT_EQ(threshold.elements, 7U);
  EXPECT_THAT(threshold.ties, ElementsAre(2, 1, 0));
  EXPECT_THAT(find_global_threshold(3, task, 6.0 / 7, {}).ties, Each(kAll));
  EXPECT_EQ(find_global_threshold(3, task, 1, {}).magnitude, 0);
  EXPECT_EQ(find_global_threshold(3, task, 0, {}).kept, 0U);
}

TEST(GlobalThreshold, KeepsExactlyKOfTheWholeModelWhenRecoverUsesIt) {
  Workers workers(3);
  std::vector<std::vector<float>> bases, donors;
  for (unsigned i = 0; i < 5; ++i) {
    bases.push_back(random_weights(1000 + 20000 * i, i));
    donors.push_back(tuned_from(bases[i], 100 + i, 0.001F * static_cast<float>(i + 1)));
  }
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const auto task = [&](std::size_t i) {
      return make_task("recover", {static_cast<std::int64_t>(bases[i].size())},
                       {base_model(bases[i]), {"llm", donors[i], {{"alpha", 1}}}}, {}, dtype);
    };
    for (const double density : {0.001, 0.1, 0.77}) {
      const GlobalThreshold threshold = find_global_threshold(5, task, density, {.workers = &workers});
      EXPECT_EQ(threshold.kept, static_cast<std::uint64_t>(density * static_cast<double>(threshold.elements)));
      std::uint64_t changed = 0;
      for (std::size_t i = 0; i < 5; ++i) {
        TensorTask recover = task(i);
        recover.inputs[1].parameters["threshold"] = threshold.magnitude;
        recover.inputs[1].parameters["threshold_ties"] = static_cast<double>(threshold.ties[i]);
        recover.out_dtype = recover.compute_dtype = DType::kF32;
        const std::vector<float> before = testing_support::floats_of(dtype, recover.inputs[0].tensor->stored());
        const std::vector<float> after = merged(recover, {.workers = &workers});
        for (std::size_t k = 0; k < before.size(); ++k) changed += before[k] != after[k] ? 1U : 0U;
      }
      EXPECT_EQ(changed, threshold.kept) << density;
    }
  }
}

TEST(GlobalThreshold, NeedsOneBaseAndOneOtherModel) {
  const auto task = [](std::size_t) { return make_task("recover", {1}, {{"a", {1.0F}}, {"b", {2.0F}}}); };
  EXPECT_THROW((void)find_global_threshold(1, task, 0.5, {}), RecipeError);
}

}  // namespace
}  // namespace cambium::merge
