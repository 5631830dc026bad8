#include "merge/virtual_merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/model_folder.h"
#include "merge/merge_run.h"
#include "support/model_on_disk.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using checkpoint::TensorInfo;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::ModelOnDisk;
using testing_support::TempFolder;

// A language model and a LLaVA whose language values are 0.5 higher.
class Merge : public testing::Test {
 protected:
  Merge() {
    ModelOnDisk{}.write(folder_ / "base");
    ModelOnDisk{.rows = 18, .llava = true, .level = 0.5F}.write(folder_ / "llava");
  }

  [[nodiscard]] Recipe recipe(double alpha, std::string_view more = {}) const {
    return parse_recipe(fmt::format("merge_method: recover\nbase_model: {0}/base\nmodels: [{{model: {0}/llava}}]\n"
                                    "parameters: {{alpha: {1}}}\n{2}",
                                    folder_.path().string(), alpha, more),
                        "r.yml", {});
  }

  [[nodiscard]] RunSummary run(const Recipe& recipe) const {
    SourcePool pool;
    std::vector<MergePlan> plans = plan_merge(recipe, pool, {});
    RunOptions options;
    options.out = folder_ / "out";
    options.threads = 2;
    return run_merge(plans.at(0), recipe, options);
  }

  TempFolder folder_;
};

std::vector<std::byte> bytes(const checkpoint::WeightSource& source, const std::string& name) {
  std::vector<std::byte> values(source.find(name)->bytes());
  source.read(name, values);
  return values;
}

void expect_equal(const checkpoint::WeightSource& found, const checkpoint::WeightSource& expected) {
  ASSERT_EQ(found.tensors().size(), expected.tensors().size());
  for (const TensorInfo& tensor : expected.tensors())
    EXPECT_EQ(bytes(found, tensor.name), bytes(expected, tensor.name)) << tensor.name;
}

TEST_F(Merge, InMemoryGivesTheValuesThatAreWritten) {
  const Recipe half = recipe(0.5);
  EXPECT_TRUE(run(half).complete);
  const checkpoint::ModelFolder written(folder_ / "out");
  const VirtualMerge merged(half);
  expect_equal(merged, written);
  EXPECT_EQ(merged.config().at("model_type"), "llava");
}

TEST_F(Merge, SettingANumberChangesTheTensorsItReaches) {
  VirtualMerge merged(recipe(0.5, "only: 'layers:1'\n"));
  const auto before = merged.identity();
  const std::vector<std::string> changed = merged.set("parameters.alpha", "0.25");
  EXPECT_EQ(changed.size(), 9U);
  EXPECT_THAT(changed, Each(HasSubstr(".layers.1.")));
  EXPECT_NE(merged.identity(), before);
  expect_equal(merged, VirtualMerge(recipe(0.25, "only: 'layers:1'\n")));
}

TEST_F(Merge, ASelectionThatPicksNothingIsRefused) {
  EXPECT_THAT([&] { VirtualMerge(recipe(0.5, "only: 'layers:77'\n")); },
              ThrowsMessage<RecipeError>(HasSubstr("`only` picks none")));
}

TEST_F(Merge, AChangeThatCannotBeLeavesItAsItWas) {
  VirtualMerge merged(recipe(0.5));
  const auto before = merged.identity();
  EXPECT_THAT([&] { static_cast<void>(merged.set("parameters.alhpa", "0.1")); },
              ThrowsMessage<RecipeError>(HasSubstr("alpha")));
  EXPECT_THROW(static_cast<void>(merged.set("parameters.alpha", "much")), RecipeError);
  EXPECT_EQ(merged.identity(), before);
  expect_equal(merged, VirtualMerge(recipe(0.5)));
}

TEST_F(Merge, NonfiniteInputsAreRefusedByNameAndNothingIsLeft) {
  ModelOnDisk{.rows = 18, .llava = true, .poisoned = "language_model.model.layers.1.mlp.up_proj.weight"}.write(
      folder_ / "poisoned");
  const Recipe poisoned =
      parse_recipe(fmt::format("merge_method: recover\nbase_model: {0}/base\nmodels: [{{model: {0}/poisoned}}]\n",
                               folder_.path().string()),
                   "r.yml", {});
  EXPECT_THAT([&] { static_cast<void>(run(poisoned)); },
              ThrowsMessage<ValueError>(AllOf(HasSubstr("layers.1.mlp.up_proj.weight"), HasSubstr("[15, 7]"))));
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    names.push_back(entry.path().filename());
  EXPECT_THAT(names, testing::UnorderedElementsAre("base", "llava", "poisoned"));
}

TEST_F(Merge, WeightsThatSumToZeroCannotBeNormalised) {
  const std::string text = fmt::format(
      "merge_method: linear\nmodels:\n- {{model: {0}/base, parameters: {{weight: 0.5}}}}\n"
      "- {{model: {0}/other, parameters: {{weight: -0.5}}}}\n",
      folder_.path().string());
  ModelOnDisk{.level = 1.0F}.write(folder_ / "other");
  EXPECT_THAT([&] { static_cast<void>(run(parse_recipe(text, "r.yml", {}))); },
              ThrowsMessage<Error>(AllOf(HasSubstr("sum to 0"), HasSubstr("normalize: false"))));
  EXPECT_TRUE(run(parse_recipe(text + "parameters: {normalize: false}\n", "r.yml", {})).complete);
}

TEST_F(Merge, LayersThatAreNotThereAreNamed) {
  const std::string text =
      fmt::format("merge_method: passthrough\nslices:\n- sources: [{{model: {0}/base, layer_range: [1, 3]}}]\n",
                  folder_.path().string());
  EXPECT_THAT([&] { static_cast<void>(run(parse_recipe(text, "r.yml", {}))); },
              ThrowsMessage<Error>(AllOf(HasSubstr("base"), HasSubstr("2"), HasSubstr("3"))));
}

}  // namespace
}  // namespace cambium::merge
