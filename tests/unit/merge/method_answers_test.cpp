// Worked answers of each merge method, by hand from its paper.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "support/merge_task.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::Pointwise;
using testing_support::base_model;
using testing_support::make_task;
using testing_support::merge_vector;
using testing_support::merged;
using testing_support::Model;

TEST(Linear, DividesByTheSumOfTheWeightsUnlessToldNotTo) {
  const std::vector<Model> models{{"a", {1, 2}, {{"weight", 1}}}, {"b", {5, -2}, {{"weight", 3}}}};
  EXPECT_THAT(merge_vector("linear", models), ElementsAre(4, -1));
  EXPECT_THAT(merge_vector("linear", models, {{"normalize", 0}}), ElementsAre(16, -4));
}

TEST(Average, LeavesTheBaseOutUnlessAskedTo) {
  const std::vector<Model> models{base_model({9, 0}), {"a", {1, 2}}, {"b", {2, 4}}};
  EXPECT_THAT(merge_vector("average", models), ElementsAre(1.5F, 3));
  EXPECT_THAT(merge_vector("average", models, {{"include_base", 1}}), ElementsAre(4, 2));
}

TEST(Slerp, GoesHalfWayAlongTheQuarterCircle) {
  const std::vector<Model> models{base_model({2, 0}), {"a", {0, 2}}};
  const float half = std::sqrt(2.0F);
  EXPECT_THAT(merge_vector("slerp", models, {{"t", 0.5}}), ElementsAre(FloatEq(half), FloatEq(half)));
}

TEST(Slerp, InterpolatesParallelVectorsLinearly) {
  const std::vector<Model> models{base_model({1, 1}), {"a", {3, 3}}};
  EXPECT_THAT(merge_vector("slerp", models, {{"t", 0.25}}), ElementsAre(FloatEq(1.5), FloatEq(1.5)));
}

TEST(NuSlerp, GoesBetweenTaskVectorsWhenThereIsABase) {
  const std::vector<Model> models{
      {"a", {11, 10}, {{"weight", 1}}}, base_model({10, 10}), {"b", {10, 11}, {{"weight", 2}}}};
  // t = 2/3 of 90 degrees: cos 60, sin 60.
  EXPECT_THAT(merge_vector("nuslerp", models), ElementsAre(FloatEq(10.5), FloatEq(10 + std::sqrt(3.0F) / 2)));
}

TEST(NuSlerp, TakesEachColumnAsAVectorRowWise) {
  // Columns (1,0)->(0,1) and (2,0)->(4,0): a quarter circle and a straight line, half way.
  const auto task =
      make_task("nuslerp", {2, 2}, {{"a", {1, 2, 0, 0}, {{"weight", 1}}}, {"b", {0, 4, 1, 0}, {{"weight", 1}}}},
                {{"nuslerp_flatten", 0}, {"nuslerp_row_wise", 1}});
  const float half = std::sqrt(0.5F);
  EXPECT_THAT(merged(task), ElementsAre(FloatEq(half), FloatEq(3), FloatEq(half), FloatEq(0)));
}

TEST(MultiSlerp, AveragesDirectionsAndLengths) {
  const std::vector<Model> models{{"a", {2, 0}, {{"weight", 1}}}, {"b", {0, 4}, {{"weight", 1}}}};
  const float side = 3 * std::sqrt(0.5F);
  EXPECT_THAT(merge_vector("multislerp", models), ElementsAre(FloatNear(side, 1e-6F), FloatNear(side, 1e-6F)));
}

TEST(Karcher, OfThreeDirectionsPullsAllEqually) {
  const std::vector<Model> models{{"a", {3, 0, 0}}, {"b", {0, 3, 0}}, {"c", {0, 0, 3}}};
  const float side = std::sqrt(3.0F);
  EXPECT_THAT(merge_vector("karcher", models), Pointwise(FloatNear(1e-6F), {side, side, side}));
}

TEST(TaskArithmetic, AddsWeightedTaskVectorsToTheBase) {
  const std::vector<Model> models{
      base_model({1, 1}), {"a", {3, 1}, {{"weight", 0.5}}}, {"b", {1, 5}, {{"weight", -1}}}};
  EXPECT_THAT(merge_vector("task_arithmetic", models), ElementsAre(2, -3));
  EXPECT_THAT(merge_vector("task_arithmetic", models, {{"lambda", 2}}), ElementsAre(3, -7));
}

// By hand from algorithm 1 of arXiv:2306.01708.
TEST(Ties, DropsValuesAgainstTheElectedSign) {
  const std::vector<Model> models{base_model({1, 1}),
                                  {"chat", {5, 0}, {{"weight", 1}}},    // task vector {+4, -1}
                                  {"code", {0, -2}, {{"weight", 1}}}};  // {-1, -3}, so the elected signs are {+, -}
  EXPECT_THAT(merge_vector("ties", models), ElementsAre(5, -1));
}

TEST(Ties, KeepsTheLargestChangesAndOfEqualOnesTheFirst) {
  const std::vector<Model> models{base_model({0, 0, 0, 0, 0}),
                                  {"a", {1, -3, 2, -2, 2}, {{"weight", 1}, {"density", 0.6}}}};
  EXPECT_THAT(merge_vector("ties", models), ElementsAre(0, -3, 2, -2, 0));
}

TEST(Breadcrumbs, DropsTheOutliersAndTheSmallest) {
  const std::vector<Model> models{base_model({0, 0, 0, 0}),
                                  {"a", {1, -9, 3, -2}, {{"weight", 2}, {"density", 0.5}, {"gamma", 0.25}}}};
  EXPECT_THAT(merge_vector("breadcrumbs", models), ElementsAre(0, 0, 6, -4));
}

TEST(Sce, WeighsModelsByTheSizeOfTheirTaskVectors) {
  // Mean squares 1 and 4: weights 0.2 and 0.8. Second element: signs differ, the sum 2 - 1 > 0 elects the second model
  // alone.
  const std::vector<Model> models{base_model({0, 0}), {"a", {1, -1}}, {"b", {2, 2}}};
  EXPECT_THAT(merge_vector("sce", models), ElementsAre(FloatEq(0.2F + 1.6F), FloatEq(2)));
}

TEST(ModelStock, GoesAllTheWayWhenTheModelsAgree) {
  const std::vector<Model> models{base_model({0, 0}), {"a", {2, 0}}, {"b", {4, 0}}};
  EXPECT_THAT(merge_vector("model_stock", models), ElementsAre(3, 0));
}

TEST(ModelStock, StaysAtTheBaseWhenTheyAreOrthogonal) {
  const std::vector<Model> models{base_model({1, 1}), {"a", {2, 1}}, {"b", {1, 2}}};
  EXPECT_THAT(merge_vector("model_stock", models), ElementsAre(1, 1));
}

TEST(ModelStock, DecidesRowByRowWhenFilterWise) {
  const auto task =
      make_task("model_stock", {2, 2}, {base_model({0, 0, 0, 0}), {"a", {2, 0, 1, 0}}, {"b", {4, 0, 0, 1}}},
                {{"filter_wise", 1}});
  EXPECT_THAT(merged(task), ElementsAre(3, 0, 0, 0));
}

TEST(NearSwap, TakesTheOtherValueWhereItIsNear) {
  const std::vector<Model> models{base_model({1, 1}), {"a", {1.5, 3}}};
  EXPECT_THAT(merge_vector("nearswap", models, {{"t", 0.5}}), ElementsAre(FloatEq(1.5), FloatEq(1.5)));
}

TEST(Ram, KeepsSoleChangesWholeAndAveragesSharedOnes) {
  const std::vector<Model> models{base_model({0, 0, 0}), {"a", {4, 0, 2}}, {"b", {0, 0, 6}}};
  EXPECT_THAT(merge_vector("ram", models), ElementsAre(4, 0, 4));
}

TEST(RamPlus, ReinforcesSoleChangesByTheShareOfSharedOnes) {
  // Model a: one sole and one shared change, ratio 1 cut at alpha 0.5: 1 + 0.2 * 0.5.
  const std::vector<Model> models{base_model({0, 0, 0}), {"a", {4, 0, 2}}, {"b", {0, 0, 6}}};
  EXPECT_THAT(merge_vector("ramplus_tl", models, {{"r", 0.2}, {"alpha", 0.5}}), ElementsAre(FloatEq(4.4F), 0, 4));
}

TEST(Passthrough, CopiesOrScales) {
  EXPECT_THAT(merge_vector("passthrough", {{"a", {1, -2}}}), ElementsAre(1, -2));
  EXPECT_THAT(merge_vector("passthrough", {{"a", {1, -2}, {{"scale", 0.5}}}}), ElementsAre(0.5F, -1));
}

TEST(Passthrough, KeepsTheBitsOfFloat64) {
  std::vector<std::byte> stored(16);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::byte>(i + 48);  // not a float32 value
  TensorTask task = make_task("passthrough", {2}, {{"a", {0, 0}}}, {}, DType::kF64);
  task.inputs[0].tensor = std::make_shared<testing_support::MemoryInput>("a", DType::kF64, Shape{2}, stored);
  testing_support::MemoryOutput out(DType::kF64, task.shape);
  (void)execute(task, out, {});
  EXPECT_EQ(out.stored(), stored);
}

// arXiv:2412.03467: theta_vlm + alpha * top_K(theta_llm - theta_vlm).
TEST(Recover, AddsTheLargestDifferencesToTheLanguageModel) {
  const std::vector<float> vlm{1, 2, 3, 4}, llm{1.5, 0, 3.25, 8};
  EXPECT_THAT(merge_vector("recover", {base_model(vlm), {"llm", llm, {{"alpha", 0.5}}}}),
              ElementsAre(1.25F, 1, 3.125F, 6));
  EXPECT_THAT(merge_vector("recover", {base_model(vlm), {"llm", llm, {{"alpha", 0.5}, {"density", 0.5}}}}),
              ElementsAre(1, 1, 3, 6));
  EXPECT_THAT(merge_vector("recover", {base_model(vlm), {"llm", llm}}),
              ElementsAre(FloatEq(1.025F), FloatEq(1.9F), FloatEq(3.0125F), FloatEq(4.2F)))
      << "alpha is 0.05 when the recipe does not say";
}

TEST(Recover, TakesAThresholdOfTheWholeModelAndItsTies) {
  const std::vector<float> vlm{0, 0, 0, 0}, llm{2, -2, 1, 3};
  const auto take = [&](Parameters parameters) {
    parameters["alpha"] = 1;
    return merge_vector("recover", {base_model(vlm), {"llm", llm, parameters}});
  };
  EXPECT_THAT(take({{"threshold", 2}}), ElementsAre(2, -2, 0, 3));
  EXPECT_THAT(take({{"threshold", 2}, {"threshold_ties", 1}}), ElementsAre(2, 0, 0, 3));
  EXPECT_THAT(take({{"threshold", 2}, {"threshold_ties", 0}}), ElementsAre(0, 0, 0, 3));
}

// arXiv:2506.01872: shifts 1 and 2, tau = ln 2: weights 1/3 and 2/3.
TEST(ShiftSoftmax, WeighsModelsByTheSoftmaxOfTheirShift) {
  const std::vector<Model> models{base_model({0, 0}), {"image", {1, -1}}, {"audio", {2, 2}}};
  EXPECT_THAT(merge_vector("shift_softmax", models, {{"alpha0", 0.4}, {"tau", std::log(2.0)}}),
              ElementsAre(FloatEq(0.6F * (1 + 4) / 3), FloatEq(0.6F * (-1 + 4) / 3)));
}

TEST(ShiftSoftmax, TakesShiftsThatArePrecomputed) {
  const std::vector<Model> models{
      base_model({0}), {"image", {3}, {{"shift", 0.002}}}, {"audio", {6}, {{"shift", 0.001}}}};
  const double weight = 1 / (1 + std::exp(-1.0));  // tau 1000
  EXPECT_THAT(merge_vector("shift_softmax", models, {{"alpha0", 0}}),
              ElementsAre(FloatEq(static_cast<float>(3 * weight + 6 * (1 - weight)))));
}

TEST(ShiftSoftmax, GivesEachHeadItsOwnWeights) {
  // Two heads of one row (q, k, v) or one column (o) each; the first head is moved by image alone, the second by audio
  // alone.
  const Parameters shared{{"alpha0", 0}, {"tau", 100}, {"by_head", 1}};
  TensorTask rows = make_task("shift_softmax", {2, 2},
                              {base_model({1, 1, 1, 1}), {"image", {3, 3, 1, 1}}, {"audio", {1, 1, 5, 5}}}, shared);
  rows.heads = HeadBlocks{.count = 2, .head_dim = 1};
  EXPECT_THAT(merged(rows), ElementsAre(3, 3, 5, 5));
  TensorTask columns = make_task("shift_softmax", {2, 2},
                                 {base_model({1, 1, 1, 1}), {"image", {3, 1, 3, 1}}, {"audio", {1, 5, 1, 5}}}, shared);
  columns.heads = HeadBlocks{.count = 2, .head_dim = 1, .along_columns = true};
  EXPECT_THAT(merged(columns), ElementsAre(3, 5, 3, 5));
  columns.heads->count = 3;
  EXPECT_THROW((void)merged(columns), ShapeError);
}

// arXiv:2505.16703, as neuron_fusion.h reads it.
TEST(NeuronFusion, KeepsTheRowsThatMovedMostAndRestoresTheOthers) {
  const auto task = make_task("neuron_fusion", {3, 2},
                              {base_model({0, 0, 0, 0, 0, 0}), {"mllm", {1, 1, -5, 1, 2, 0}, {{"density", 0.34}}}});
  EXPECT_THAT(merged(task), ElementsAre(0, 0, -5, 1, 0, 0));
}

TEST(NeuronFusion, TakesColumnsSuppressesAndRescales) {
  const auto task =
      make_task("neuron_fusion", {2, 2},
                {base_model({10, 10, 10, 10}), {"mllm", {10, 13, 14, 13}, {{"density", 0.5}, {"suppress", 0.5}}}},
                {{"columns", 1}, {"rescale", 1}});
  // Columns move by 4 and 6; the second is kept, the first halved; 10 / 8 makes up for it.
  EXPECT_THAT(merged(task), ElementsAre(10, 13.75F, 12.5F, 13.75F));
}

}  // namespace
}  // namespace cambium::merge
