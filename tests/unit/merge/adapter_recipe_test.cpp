#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "checkpoint/model_folder.h"
#include "merge/lora_weights.h"
#include "merge/recipe.h"
#include "merge/virtual_merge.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using checkpoint::TensorInfo;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
namespace fs = std::filesystem;

std::string golden(const std::string& path) {
  return (fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lora" / path).string();
}

std::vector<std::byte> bytes(const checkpoint::WeightSource& source, const std::string& name) {
  std::vector<std::byte> values(source.find(name)->bytes());
  source.read(name, values);
  return values;
}

std::vector<float> floats(const checkpoint::WeightSource& source, const TensorInfo& tensor) {
  std::vector<float> values(numel(tensor.shape));
  to_float32(tensor.dtype, bytes(source, tensor.name), values);
  return values;
}

VirtualMerge merge(const std::string& recipe) { return VirtualMerge(parse_recipe(recipe, "recipe.yml", {})); }

void expect_equal(const checkpoint::WeightSource& merged, const checkpoint::WeightSource& expected) {
  ASSERT_EQ(merged.tensors().size(), expected.tensors().size());
  for (const TensorInfo& tensor : expected.tensors())
    EXPECT_EQ(bytes(merged, tensor.name), bytes(expected, tensor.name)) << tensor.name;
}

LoraWeights adapted(const std::string& model, const std::string& adapter) {
  const auto folder = std::make_shared<checkpoint::ModelFolder>(golden(model));
  return {folder, family::describe(folder->config(), folder->tensors(), model),
          std::make_shared<LoraAdapter>(golden(adapter))};
}

TEST(AdapterInARecipe, PlusNamesAModelWithAnAdapter) {
  const VirtualMerge merged = merge("models:\n  - model: " + golden("bases/llama") + "+" + golden("cases/attention") +
                                    "\nmerge_method: passthrough\n");
  expect_equal(merged, adapted("bases/llama", "cases/attention"));
}

TEST(AdapterInARecipe, AnAdapterByItselfIsAddedToTheBaseModel) {
  const VirtualMerge merged =
      merge("base_model: " + golden("bases/llava") + "\nmodels:\n  - model: " + golden("cases/attention") +
            "\n    parameters: {weight: 1}\nmerge_method: task_arithmetic\n");
  const LoraWeights expected = adapted("bases/llava", "cases/attention");
  for (const TensorInfo& tensor : expected.tensors()) {
    const std::vector<float> found = floats(merged, tensor);
    const std::vector<float> wanted = floats(expected, tensor);
    for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(found[i], wanted[i], 1e-6) << tensor.name;
  }
}

TEST(AdapterInARecipe, RecipesTakeAdaptersToo) {
  const VirtualMerge merged = merge("name: inner\nmodels:\n  - model: " + golden("bases/llama") +
                                    "\nmerge_method: passthrough\n---\nmodels:\n  - model: inner+" +
                                    golden("cases/attention") + "\nmerge_method: passthrough\n");
  expect_equal(merged, adapted("bases/llama", "cases/attention"));
}

TEST(AdapterInARecipe, TheAdapterIsPartOfTheMergesIdentity) {
  const std::string head = "models:\n  - model: " + golden("bases/llama");
  const std::string tail = "\nmerge_method: passthrough\n";
  const checkpoint::ContentHash first = merge(head + "+" + golden("cases/attention") + tail).identity();
  EXPECT_NE(first, merge(head + tail).identity());
  EXPECT_NE(first, merge(head + "+" + golden("cases/patterns") + tail).identity());
}

TEST(AdapterInARecipe, AnAdapterWithoutAModelIsRefused) {
  // Its config names a model that is not there.
  EXPECT_THAT([] { merge("models:\n  - model: " + golden("cases/attention") + "\nmerge_method: passthrough\n"); },
              ThrowsMessage<CheckpointError>(HasSubstr("'llama'")));
}

}  // namespace
}  // namespace cambium::merge
