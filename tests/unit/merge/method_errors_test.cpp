#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "merge/method_table.h"
#include "support/merge_task.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
using testing_support::base_model;
using testing_support::make_task;
using testing_support::merge_vector;
using testing_support::merged;
using testing_support::Model;

TEST(MethodTable, OffersTheNearestNamesForAnUnknownOne) {
  const auto find = [](const char* name) { return [name] { (void)find_method(name); }; };
  EXPECT_THAT(find("tie"), ThrowsMessage<RecipeError>(AllOf(HasSubstr("'tie'"), HasSubstr("did you mean 'ties'"))));
  EXPECT_THAT(find("task_arithmatic"), ThrowsMessage<RecipeError>(HasSubstr("'task_arithmetic'")));
  EXPECT_THAT(find("telepathy"), ThrowsMessage<RecipeError>(HasSubstr("known: recover, shift_softmax")));
}

TEST(MethodTable, DescribesEveryMethodAndParameterOnce) {
  std::vector<std::string_view> names;
  for (const Method& method : method_table()) {
    EXPECT_EQ(std::ranges::count(names, method.info->name), 0) << method.info->name;
    names.push_back(method.info->name);
    EXPECT_FALSE(method.info->help.empty() || method.info->source.empty()) << method.info->name;
    std::vector<std::string_view> parameters;
    for (const ParameterInfo& parameter : method.info->parameters) {
      EXPECT_EQ(std::ranges::count(parameters, parameter.name), 0) << method.info->name << " " << parameter.name;
      parameters.push_back(parameter.name);
      EXPECT_FALSE(parameter.help.empty()) << method.info->name << " " << parameter.name;
      EXPECT_FALSE(parameter.required && parameter.fallback) << method.info->name << " " << parameter.name;
    }
  }
  EXPECT_EQ(names.size(), 24U);
}

TEST(MethodTable, ChecksTheNumberOfInputs) {
  const auto check = [](const char* name, std::size_t inputs, bool base) {
    return [=] { check_inputs(*find_method(name).info, inputs, base, "slice 1"); };
  };
  EXPECT_THAT(check("slerp", 3, true), ThrowsMessage<RecipeError>(AllOf(
                                           HasSubstr("slice 1"), HasSubstr("exactly 2 inputs"), HasSubstr("got 3"))));
  EXPECT_THAT(check("slerp", 2, false), ThrowsMessage<RecipeError>(HasSubstr("needs a base model")));
  EXPECT_THAT(check("ties", 1, false), ThrowsMessage<RecipeError>(HasSubstr("needs a base model")));
  EXPECT_THAT(check("model_stock", 2, true), ThrowsMessage<RecipeError>(HasSubstr("at least 3 inputs")));
  EXPECT_THAT(check("nuslerp", 2, true),
              ThrowsMessage<RecipeError>(HasSubstr("exactly 2 inputs besides the base, got 1")));
  EXPECT_THAT(check("passthrough", 2, false), ThrowsMessage<RecipeError>(HasSubstr("exactly 1 input, got 2")));
  EXPECT_NO_THROW(check("nuslerp", 2, false)());
  EXPECT_NO_THROW(check("linear", 1, true)());
}

TEST(MethodErrors, NameTensorModelAndElementOfANonfiniteInput) {
  std::vector<float> damaged(40000, 1.0F);
  damaged[33333] = std::numeric_limits<float>::quiet_NaN();
  TensorTask task = make_task(
      "linear", {200, 200}, {{"good", std::vector<float>(40000), {{"weight", 1}}}, {"bad", damaged, {{"weight", 1}}}});
  EXPECT_THAT([&] { (void)merged(task); }, ThrowsMessage<ValueError>(AllOf(HasSubstr("bad: layer.weight"),
                                                                           HasSubstr("[166, 133]"), HasSubstr("nan"))));
  task.allow_nonfinite = true;
  const std::vector<float> out = merged(task);
  EXPECT_TRUE(std::isnan(out[33333]));
  EXPECT_EQ(out[33332], 0.5F);
}

TEST(MethodErrors, RefuseInfinityInEveryMethodThatReads) {
  for (const Method& method : method_table()) {
    if (method.info->base != BaseUse::kRequired) continue;
    std::vector<Model> models{base_model({1, 2, 3, INFINITY}), {"a", {1, 2, 3, 4}, {}}};
    if (!method.info->max_inputs) models.push_back({"b", {1, 2, 3, 5}, {}});
    Parameters shared;
    for (const ParameterInfo& parameter : method.info->parameters) {
      if (parameter.name == "weight") models[1].parameters["weight"] = models.back().parameters["weight"] = 1;
      if (parameter.scope == ParameterScope::kShared && parameter.required) shared[std::string(parameter.name)] = 0.5;
    }
    EXPECT_THAT([&] { (void)merge_vector(std::string(method.info->name), models, shared); },
                ThrowsMessage<ValueError>(AllOf(HasSubstr("base: layer.weight"), HasSubstr("[3]"), HasSubstr("inf"))))
        << method.info->name;
  }
}

TEST(MethodErrors, RefuseAResultThatTheOutputTypeCannotHold) {
  TensorTask task = make_task("linear", {2}, {{"a", {60000, 1}, {{"weight", 2}}}}, {{"normalize", 0}});
  task.out_dtype = DType::kF16;
  EXPECT_THAT([&] { (void)merged(task); }, ThrowsMessage<ValueError>(AllOf(HasSubstr("[0]"), HasSubstr("F16"))));
}

TEST(MethodErrors, RefuseWeightsThatCannotBeNormalised) {
  const std::vector<Model> models{{"a", {1}, {{"weight", 1}}}, {"b", {2}, {{"weight", -1}}}};
  EXPECT_THAT([&] { (void)merge_vector("linear", models); }, ThrowsMessage<ValueError>(HasSubstr("sum to 0")));
  EXPECT_THAT([&] { (void)merge_vector("multislerp", models); }, ThrowsMessage<ValueError>(HasSubstr("sum to 0")));
  EXPECT_EQ(merge_vector("linear", models, {{"normalize", 0}}), std::vector<float>{-1});
}

TEST(MethodErrors, RefuseKeepProbabilitiesOutsideZeroToOne) {
  const auto merge = [](double density, double epsilon) {
    return [=] {
      (void)merge_vector(
          "della", {base_model({0, 0}), {"a", {1, 2}, {{"weight", 1}, {"density", density}, {"epsilon", epsilon}}}});
    };
  };
  EXPECT_THAT(merge(0.9, 0.2),
              ThrowsMessage<ValueError>(AllOf(HasSubstr("density 0.9"), HasSubstr("epsilon 0.2"), HasSubstr("'a'"))));
  EXPECT_THAT(merge(0.1, 0.15), ThrowsMessage<ValueError>(HasSubstr("smaller epsilon")));
  EXPECT_NO_THROW(merge(1, 0.15)());
  EXPECT_NO_THROW(merge(0.5, 0.3)());
}

TEST(MethodErrors, NameAMissingOrUnknownParameter) {
  const std::vector<Model> models{base_model({0, 0}), {"chat", {1, 2}, {}}};
  EXPECT_THAT([&] { (void)merge_vector("ties", models); },
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("'weight'"), HasSubstr("'chat'"))));
  EXPECT_THAT([&] { (void)merge_vector("slerp", models); }, ThrowsMessage<RecipeError>(HasSubstr("'t'")));
  EXPECT_THAT(
      [&] {
        (void)merge_vector("ram", models, {{"gamma", 1}});
      },
      ThrowsMessage<RecipeError>(HasSubstr("'gamma'")));
  const std::vector<Model> wrong{base_model({0, 0}), {"chat", {1, 2}, {{"epsilon", 1}}}};
  EXPECT_THAT([&] { (void)merge_vector("ram", wrong); }, ThrowsMessage<RecipeError>(HasSubstr("'epsilon'")));
}

TEST(MethodErrors, NameBothShapesThatDiffer) {
  TensorTask task = make_task("linear", {2, 2}, {{"a", {1, 2, 3, 4}, {{"weight", 1}}}});
  task.shape = {4};
  EXPECT_THAT([&] { (void)merged(task); },
              ThrowsMessage<ShapeError>(AllOf(HasSubstr("a: layer.weight"), HasSubstr("[2, 2]"), HasSubstr("[4]"))));
}

}  // namespace
}  // namespace cambium::merge
