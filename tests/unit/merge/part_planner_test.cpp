#include "merge/part_planner.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "checkpoint/model_folder.h"
#include "merge/virtual_merge.h"
#include "support/model_on_disk.h"
#include "support/temp_folder.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::ModelOnDisk;
using testing_support::TempFolder;

// What the planner decides for a llama of two layers (two heads of four values, one of keys and values) and another
// whose values are 1 higher.
class PartPlan : public testing::Test {
 protected:
  PartPlan() {
    ModelOnDisk{}.write(folder_ / "base");
    ModelOnDisk{.level = 1.0F}.write(folder_ / "chat");
  }

  [[nodiscard]] Recipe recipe(const std::string& text) const {
    return parse_recipe(fmt::format(fmt::runtime(text), fmt::arg("in", folder_.path().string())), "r.yml", {});
  }
  const MergePlan& plan(const std::string& text, const PlanOptions& options = {}) {
    plans_ = plan_merge(recipe(text), pool_, options);
    return plans_.at(0);
  }
  [[nodiscard]] const PlannedTensor& tensor(std::string_view name) const {
    return *std::ranges::find_if(plans_.at(0).tensors,
                                 [&](const auto& planned) { return planned.output.name == name; });
  }
  [[nodiscard]] double columns_of(std::string_view name) const { return tensor(name).parts.at(0).shared.at("columns"); }

  TempFolder folder_;
  SourcePool pool_;
  std::vector<MergePlan> plans_;
};

constexpr const char* kNeurons = "merge_method: neuron_fusion\nbase_model: {in}/base\nmodels: [{{model: {in}/chat}}]\n";

TEST_F(PartPlan, NeuronsAreColumnsOfTheProjectionsThatLeadOutOfThem) {
  plan(kNeurons);
  const std::string layer = "model.layers.1.";
  for (const char* rows : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "mlp.gate_proj", "mlp.up_proj"})
    EXPECT_EQ(columns_of(layer + rows + ".weight"), 0) << rows;
  for (const char* columns : {"self_attn.o_proj", "mlp.down_proj"})
    EXPECT_EQ(columns_of(layer + columns + ".weight"), 1) << columns;
  EXPECT_EQ(columns_of("model.embed_tokens.weight"), 0);
  EXPECT_EQ(columns_of("lm_head.weight"), 0);
}

TEST_F(PartPlan, NeuronsOfTransposedTensorsAreTheOtherWayRound) {
  const std::string gpt2 = (fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lora/bases/gpt2").string();
  fs::copy(gpt2, folder_ / "other");
  plan("merge_method: neuron_fusion\nbase_model: " + gpt2 + "\nmodels: [{{model: {in}/other}}]\n");
  EXPECT_EQ(columns_of("transformer.h.0.attn.c_attn.weight"), 1);
  EXPECT_EQ(columns_of("transformer.h.0.mlp.c_fc.weight"), 1);
  EXPECT_EQ(columns_of("transformer.h.0.attn.c_proj.weight"), 0);
  EXPECT_EQ(columns_of("transformer.h.0.mlp.c_proj.weight"), 0);
}

TEST_F(PartPlan, ARecipeMaySayItselfWhatNeuronsAre) {
  plan(std::string(kNeurons) + "parameters:\n  columns: [{{filter: up_proj, value: true}}, {{value: false}}]\n");
  EXPECT_EQ(columns_of("model.layers.0.mlp.up_proj.weight"), 1);
  EXPECT_EQ(columns_of("model.layers.0.mlp.down_proj.weight"), 0);
}

// The neuron that moved most is kept in every projection of its layer, whether it is a row or a column there.
TEST_F(PartPlan, ANeuronIsKeptAsRowAndAsColumnAlike) {
  const auto moved = [&](std::size_t neuron) {
    // chat2 is base, but for 1 added to neuron `neuron` of the first feed-forward: row of gate and up, column of down.
    const ModelOnDisk model;
    const auto tensors = model.tensors();
    std::vector<checkpoint::TensorInfo> infos;
    for (const auto& [name, shape] : tensors) infos.push_back({name, DType::kF32, shape});
    checkpoint::CheckpointWriter writer(folder_ / "moved", checkpoint::plan_output(infos),
                                        checkpoint::CheckpointWriter::Start::kFresh);
    for (std::size_t t = 0; t < infos.size(); ++t) {
      std::vector<float> values(numel(infos[t].shape));
      const auto width = static_cast<std::size_t>(infos[t].shape.back());
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool rows = infos[t].name.find("layers.0.mlp.gate") != std::string::npos ||
                          infos[t].name.find("layers.0.mlp.up") != std::string::npos;
        const bool columns = infos[t].name.find("layers.0.mlp.down") != std::string::npos;
        // Every other value moves, too, but by less.
        values[i] = model.value(t, i) + 0.125F;
        if ((rows && i / width == neuron) || (columns && i % width == neuron)) values[i] += 1;
      }
      writer.write(t, 0, std::as_bytes(std::span(values)));
    }
    writer.write_file("config.json", model.config().dump());
    writer.finish();
  };
  moved(5);
  const VirtualMerge merged(
      recipe("merge_method: neuron_fusion\nbase_model: {in}/base\nmodels: [{{model: {in}/moved}}]\n"
             "parameters: {{density: 0.0625}}\n"));  // one neuron of 16
  const auto values = [](const checkpoint::WeightSource& source, const std::string& name) {
    std::vector<float> all(numel(source.find(name)->shape));
    source.read(name, std::as_writable_bytes(std::span(all)));
    return all;
  };
  const checkpoint::ModelFolder base(folder_ / "base"), tuned(folder_ / "moved");
  for (const std::string part : {"gate", "up", "down"}) {
    const std::string name = "model.layers.0.mlp." + part + "_proj.weight";
    const auto found = values(merged, name), before = values(base, name), after = values(tuned, name);
    const std::size_t width = part == "down" ? 16 : 8;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const bool own = part == "down" ? i % width == 5 : i / width == 5;
      ASSERT_FLOAT_EQ(found[i], own ? after[i] : before[i]) << name << " " << i;
    }
  }
}

TEST_F(PartPlan, HeadsOfEqualNumbersGoTogether) {
  plan(
      "merge_method: task_arithmetic\nbase_model: {in}/base\nmodels: [{{model: {in}/chat}}]\n"
      "parameters:\n  weight: [{{where: 'role:q_proj,o_proj heads:1', value: 0.5}}, {{value: 0.25}}]\n");
  const PlannedTensor& query = tensor("model.layers.0.self_attn.q_proj.weight");
  ASSERT_EQ(query.parts.size(), 2U);
  EXPECT_THAT(query.parts[0].region.shape(), ElementsAre(4, 8));
  EXPECT_EQ(query.parts[0].suffix, " (heads 0-0)");
  EXPECT_EQ(query.parts[0].per_input.at(0).at("weight"), 0.25);
  EXPECT_EQ(query.parts[1].per_input.at(0).at("weight"), 0.5);
  const PlannedTensor& out = tensor("model.layers.0.self_attn.o_proj.weight");
  ASSERT_EQ(out.parts.size(), 2U);
  EXPECT_THAT(out.parts[1].region.shape(), ElementsAre(8, 4));  // columns
  std::size_t first = 0;
  EXPECT_FALSE(out.parts[1].region.contiguous(first));
  // The one head of keys has no number 1.
  EXPECT_EQ(tensor("model.layers.0.self_attn.k_proj.weight").parts.size(), 1U);
  EXPECT_TRUE(tensor("model.layers.0.mlp.up_proj.weight").parts.at(0).region.is_whole());
}

TEST_F(PartPlan, GradientsRunOverTheLayersAndWhatIsLeftOutIsCarried) {
  plan(
      "merge_method: task_arithmetic\nbase_model: {in}/base\nmodels: [{{model: {in}/chat}}]\n"
      "parameters:\n  weight: [{{filter: mlp, value: [0.2, 0.6]}}, {{value: 1}}]\nexcept: 'module:norm'\n");
  EXPECT_FLOAT_EQ(
      static_cast<float>(tensor("model.layers.0.mlp.up_proj.weight").parts.at(0).per_input.at(0).at("weight")), 0.2F);
  EXPECT_FLOAT_EQ(
      static_cast<float>(tensor("model.layers.1.mlp.up_proj.weight").parts.at(0).per_input.at(0).at("weight")), 0.6F);
  EXPECT_EQ(tensor("model.layers.1.self_attn.v_proj.weight").parts.at(0).per_input.at(0).at("weight"), 1);
  EXPECT_TRUE(tensor("model.norm.weight").carried());
  EXPECT_FALSE(tensor("lm_head.weight").carried());
}

TEST_F(PartPlan, VocabulariesOfOtherSizesAreRefusedCutOrSharedByToken) {
  ModelOnDisk{.rows = 4, .tokens = {"a", "b", "c", "d"}}.write(folder_ / "small");
  ModelOnDisk{.rows = 5, .tokens = {"b", "a", "x", "c", "y"}}.write(folder_ / "large");
  const std::string text =
      "merge_method: linear\nmodels:\n- {{model: {in}/small, parameters: {{weight: 1}}}}\n"
      "- {{model: {in}/large, parameters: {{weight: 1}}}}\n";
  EXPECT_THAT([&] { plan(text); }, ThrowsMessage<ShapeError>(
                                       AllOf(HasSubstr("[4, 8]"), HasSubstr("[5, 8]"), HasSubstr("tokenizer_source"))));
  plan(text, {.truncate_embeddings = true});
  EXPECT_THAT(tensor("lm_head.weight").output.shape, ElementsAre(4, 8));
  plan(text + "embeddings: shared\n");
  const PlannedTensor& shared = tensor("model.embed_tokens.weight");
  ASSERT_EQ(shared.parts.size(), 2U);
  EXPECT_THAT(shared.parts[0].region.shape(), ElementsAre(3, 8));  // a, b, c
  EXPECT_EQ(shared.parts[0].method, "linear");
  EXPECT_THAT(shared.parts[1].region.shape(), ElementsAre(1, 8));  // d is the first model's own
  EXPECT_EQ(shared.parts[1].method, "");
}

TEST_F(PartPlan, TypesArePromotedUnlessTheRecipeSaysOne) {
  ModelOnDisk{.level = 1.0F, .dtype = DType::kBF16}.write(folder_ / "bf16");
  const std::string text =
      "merge_method: linear\nmodels:\n- {{model: {in}/bf16, parameters: {{weight: 1}}}}\n"
      "- {{model: {in}/base, parameters: {{weight: 1}}}}\n";
  plan(text);
  EXPECT_EQ(tensor("model.norm.weight").compute_dtype, DType::kF32);
  plan(text + "dtype: float16\nout_dtype: bfloat16\n");
  EXPECT_EQ(tensor("model.norm.weight").compute_dtype, DType::kF16);
  EXPECT_EQ(tensor("model.norm.weight").output.dtype, DType::kBF16);
}

TEST_F(PartPlan, NumbersOutOfRangeAreFoundBeforeAnyWork) {
  EXPECT_THAT(
      [&] {
        plan(
            "merge_method: della\nbase_model: {in}/base\nmodels: [{{model: {in}/chat}}]\n"
            "parameters: {{weight: 1, density: 0.1, epsilon: 0.2}}\n");
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("r.yml"), HasSubstr("epsilon"))));
}

}  // namespace
}  // namespace cambium::merge
