#include "merge/lora_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numeric>

#include "checkpoint/model_folder.h"
#include "merge/lora_settings.h"
#include "support/temp_folder.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using checkpoint::Json;
using checkpoint::ModelFolder;
using checkpoint::TensorInfo;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;
namespace fs = std::filesystem;

// Models, adapters and what PEFT merges them to (tests/golden/lora/make_golden.py).
fs::path golden() { return fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lora"; }

std::vector<float> values(const checkpoint::WeightSource& source, const TensorInfo& tensor) {
  std::vector<std::byte> bytes(tensor.bytes());
  source.read(tensor.name, bytes);
  std::vector<float> result(numel(tensor.shape));
  to_float32(tensor.dtype, bytes, result);
  return result;
}

std::shared_ptr<ModelFolder> base_folder(const std::string& name) {
  return std::make_shared<ModelFolder>(golden() / "bases" / name);
}

LoraWeights adapted_from(const std::string& base, const fs::path& adapter) {
  const auto folder = base_folder(base);
  const family::ModelDescription model = family::describe(folder->config(), folder->tensors(), base);
  return {folder, model, std::make_shared<LoraAdapter>(adapter)};
}

LoraWeights adapted(const std::string& base, const std::string& adapter) {
  return adapted_from(base, golden() / "cases" / adapter);
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  return largest;
}

TEST(LoraWeights, EqualsMergeAndUnloadOfPeft) {
  for (const auto& entry : fs::directory_iterator(golden() / "cases")) {
    SCOPED_TRACE(entry.path().filename());
    const std::string base = checkpoint::read_json(entry.path() / "adapter_config.json")["base_model_name_or_path"];
    const checkpoint::SafetensorsFile expected(entry.path() / "expected.safetensors");
    const LoraWeights weights = adapted_from(base, entry.path());
    const auto plain = base_folder(base);
    std::size_t found = 0;
    for (const TensorInfo& tensor : weights.tensors()) {
      const std::vector<float> merged = values(weights, tensor);
      const auto wanted = std::ranges::find(expected.tensors(), tensor.name, &TensorInfo::name);
      std::vector<float> reference = values(*plain, tensor);
      if (wanted != expected.tensors().end()) {
        ++found;
        ASSERT_EQ(tensor.dtype, wanted->dtype);
        to_float32(wanted->dtype, expected.bytes(*wanted), reference);
      }
      const double size = std::fabs(*std::ranges::max_element(reference, {}, [](float v) { return std::fabs(v); }));
      // bfloat16: one unit in the last place, where the order of the sum decides a rounding.
      EXPECT_LE(largest_difference(merged, reference), size * (tensor.dtype == DType::kBF16 ? 1.0 / 128 : 1e-6))
          << tensor.name;
    }
    EXPECT_EQ(found, expected.tensors().size());
  }
}

TEST(LoraWeights, RangesGiveTheBitsOfTheWhole) {
  for (const char* name : {"attention", "embedding"}) {
    const LoraWeights weights = adapted("llama", name);
    for (const std::string& changed : weights.changed()) {
      const TensorInfo& tensor = *weights.find(changed);
      EXPECT_TRUE(weights.reads_ranges(changed));
      EXPECT_TRUE(weights.mapped(changed).empty());
      std::vector<std::byte> whole(tensor.bytes());
      weights.read(changed, whole);
      std::vector<std::byte> pieces(whole.size());
      for (std::size_t at = 0; at < whole.size(); at += 4 * 37) {
        const std::size_t size = std::min<std::size_t>(4 * 37, whole.size() - at);
        weights.read_range(changed, at, std::span(pieces).subspan(at, size));
      }
      EXPECT_EQ(whole, pieces) << changed;
    }
  }
}

TEST(LoraWeights, LeavesOtherTensorsMapped) {
  const LoraWeights weights = adapted("llama", "attention");
  EXPECT_FALSE(weights.mapped("model.layers.0.self_attn.k_proj.weight").empty());
  EXPECT_EQ(weights.changed().size(), 4U);
  EXPECT_THAT(weights.label(), ::testing::MatchesRegex(".*llama\\+.*attention"));
}

// What the adapter adds to one tensor: merged - base.
std::vector<float> added(const LoraWeights& weights, const std::string& base, const std::string& name) {
  const TensorInfo& tensor = *weights.find(name);
  std::vector<float> difference = values(weights, tensor);
  const std::vector<float> before = values(*base_folder(base), tensor);
  for (std::size_t i = 0; i < difference.size(); ++i) difference[i] -= before[i];
  return difference;
}

TEST(LoraWeights, ATextAdapterFitsTheModelGraftedOnItsLanguageModel) {
  const LoraWeights text = adapted("llama", "attention");
  const LoraWeights grafted = adapted("llava", "attention");
  for (const char* layer : {"layers.0.self_attn.q_proj.weight", "layers.1.self_attn.v_proj.weight"}) {
    const std::vector<float> expected = added(text, "llama", std::string("model.") + layer);
    EXPECT_LE(largest_difference(added(grafted, "llava", std::string("language_model.model.") + layer), expected),
              1e-6);
    EXPECT_GT(std::fabs(*std::ranges::max_element(expected)), 0.1);
  }
  EXPECT_EQ(grafted.changed().size(), 4U);
}

TEST(LoraWeights, AnAdapterOfSeparateProjectionsFitsFusedOnes) {
  const LoraWeights text = adapted("llama", "attention");
  const LoraWeights fused = adapted("phi3", "attention");
  const std::vector<float> difference = added(fused, "phi3", "model.layers.0.self_attn.qkv_proj.weight");
  const std::vector<float> query = added(text, "llama", "model.layers.0.self_attn.q_proj.weight");
  const std::vector<float> value = added(text, "llama", "model.layers.0.self_attn.v_proj.weight");
  ASSERT_EQ(difference.size(), (16U + 8U + 8U) * 16U);
  const std::vector<float> first(difference.begin(), difference.begin() + 16 * 16);
  const std::vector<float> middle(difference.begin() + 16 * 16, difference.begin() + 24 * 16);
  const std::vector<float> last(difference.begin() + 24 * 16, difference.end());
  EXPECT_LE(largest_difference(first, query), 1e-6);
  EXPECT_EQ(largest_difference(middle, std::vector<float>(8 * 16)), 0.0);
  EXPECT_LE(largest_difference(last, value), 1e-6);
}

TEST(LoraWeights, ListsTheLayersThatTheModelLacks) {
  EXPECT_THAT(
      [] { adapted("llama", "fused"); },
      ThrowsMessage<CheckpointError>(AllOf(HasSubstr("changes 4 layers that"),
                                           HasSubstr("'model.layers.0.mlp.gate_up_proj'"), HasSubstr("(phi3)"))));
  EXPECT_THAT([] { adapted("llama", "tower"); },
              ThrowsMessage<CheckpointError>(HasSubstr("'model.vision_tower.encoder.layers.0.mlp.fc1'")));
}

class BrokenAdapter : public ::testing::Test {
 protected:
  BrokenAdapter() {
    for (const char* name : {"adapter_config.json", "adapter_model.safetensors"}) {
      fs::copy_file(golden() / "cases/attention" / name, folder_ / name);
    }
  }
  void set(const std::string& field, const Json& value) {
    Json config = checkpoint::read_json(folder_ / "adapter_config.json");
    config[field] = value;
    folder_.write("adapter_config.json", config.dump());
  }
  void expect_refused(const std::string& what) {
    EXPECT_THAT([&] { LoraAdapter{folder_.path()}; },
                ThrowsMessage<CheckpointError>(AllOf(HasSubstr(folder_.path().string()), HasSubstr(what))));
  }
  testing_support::TempFolder folder_;
};

TEST_F(BrokenAdapter, OtherKindsAreRefusedWithWhatToDo) {
  set("use_dora", true);
  expect_refused("DoRA (use_dora), which is more than a product");
  expect_refused("merge_and_unload()");
  set("use_dora", false);
  set("init_lora_weights", "pissa_niter_16");
  expect_refused("pissa_niter_16");
  set("init_lora_weights", "gaussian");
  EXPECT_EQ(LoraAdapter(folder_.path()).modules().size(), 4U);
  set("trainable_token_indices", {1, 2});
  expect_refused("trainable tokens");
  set("peft_type", "IA3");
  expect_refused("peft_type is '\"IA3\"', expected LORA");
}

TEST_F(BrokenAdapter, NumbersMustBeNumbers) {
  set("r", 8);
  expect_refused("has rank 4, but adapter_config.json says 8");
  set("r", "4");
  expect_refused("r is '\"4\"', expected a number");
  set("r", 4.5);
  expect_refused("expected an integer");
  set("r", 4);
  set("alpha_pattern", {{"(", 3}});
  EXPECT_THAT([&] { LoraAdapter{folder_.path()}; },
              ThrowsMessage<CheckpointError>(HasSubstr("'(' of an adapter is no regular")));
  set("alpha_pattern", {{"(a+)+b", 3}, {"((a|aa)+)+$", 1}});
  EXPECT_EQ(LoraAdapter(folder_.path()).modules()[0].scale, 2.0);
  set("lora_alpha", nullptr);
  set("use_rslora", 1);
  expect_refused("use_rslora is '1', expected true or false");
  folder_.write("adapter_config.json", "[]");
  expect_refused("holds array");
  fs::remove(folder_ / "adapter_config.json");
  expect_refused("not a PEFT adapter");
}

TEST(LoraAdapter, IsToldFromAModel) {
  EXPECT_TRUE(LoraAdapter::is_adapter(golden() / "cases/attention"));
  EXPECT_FALSE(LoraAdapter::is_adapter(golden() / "bases/llama"));
  EXPECT_FALSE(LoraAdapter::is_adapter(golden() / "none"));
}

TEST(LoraSettings, PatternsMatchTheEndOfThePathAsInPeft) {
  const Json config = checkpoint::parse_json(
      R"({"peft_type":"LORA","r":8,"lora_alpha":16,"rank_pattern":{"q_proj":4,"layers\\.1\\..*":2},"alpha_pattern":{"^a.k_proj":1}})",
      "t");
  const LoraSettings settings = LoraSettings::parse(config, "t");
  EXPECT_EQ(settings.rank_of("model.layers.1.q_proj"), 4);
  EXPECT_EQ(settings.rank_of("model.layers.1.k_proj"), 2);
  EXPECT_EQ(settings.rank_of("model.layers.11.k_proj"), 8);
  EXPECT_EQ(settings.rank_of("model.my_q_proj"), 8);
  EXPECT_EQ(settings.scale_of("a.k_proj", 2), 0.5);
  EXPECT_EQ(settings.scale_of("b.a.k_proj", 2), 8.0);
}

}  // namespace
}  // namespace cambium::merge
