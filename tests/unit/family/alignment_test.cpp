#include "family/alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/family_golden.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

using checkpoint::Json;
using checkpoint::TensorInfo;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using ::testing::UnorderedElementsAre;
using testing_support::family_golden;
using testing_support::FamilyGolden;

using Names = std::map<std::string, std::string>;

Alignment align_descriptions(const ModelDescription& base, const ModelDescription& model,
                             const AlignmentOptions& options = {}) {
  return align({&base, nullptr, "base"}, {&model, nullptr, "model"}, options);
}

Names pairs_of(const std::vector<Reading>& readings) {
  Names names;
  for (const Reading& reading : readings) names[reading.target] = reading.pieces.at(0).source;
  return names;
}

Names inverse(const Names& names) {
  Names result;
  for (const auto& [from, to] : names) result[to] = from;
  return result;
}

struct Case {
  std::string name, layout;
};

class EveryGraft : public ::testing::TestWithParam<Case> {};

// The goldens' pairs were found by the contents of the tensors, not by names.
TEST_P(EveryGraft, IsPairedWithItsBaseInBothDirections) {
  const FamilyGolden golden = family_golden(GetParam().name);
  const FamilyGolden base_golden = family_golden(golden.json.at("base").get<std::string>());
  const bool saved = GetParam().layout == "saved";
  const auto in_layout = [&](const std::string& name) {
    return saved ? name : golden.json.at("names").at(GetParam().layout).at(name).get<std::string>();
  };
  const Json& config = golden.json.at(GetParam().layout == "original" ? "original_config" : "config");
  const ModelDescription base = describe(base_golden.config(), base_golden.tensors, "base");
  const ModelDescription model =
      describe(config, saved ? golden.tensors : golden.in_layout(GetParam().layout), "model");
  const Alignment alignment = align_descriptions(base, model);

  Names expected;
  for (const auto& [mine, other] : golden.json.at("language").items())
    expected[mine] = in_layout(other.get<std::string>());
  std::vector<std::string> modality;
  for (const auto& name : golden.json.at("modality_only")) modality.push_back(in_layout(name.get<std::string>()));
  std::ranges::sort(modality);

  EXPECT_THAT(alignment.problems, IsEmpty());
  EXPECT_EQ(pairs_of(alignment.base_from_model), expected);
  EXPECT_EQ(pairs_of(alignment.model_from_base), inverse(expected));
  EXPECT_EQ(alignment.modality_only, modality);
  EXPECT_THAT(alignment.base_modality_only, IsEmpty());
  EXPECT_EQ(alignment.base_head_from_model_embedding.has_value(),
            golden.json.contains("base_head_from_model_embedding"));
  EXPECT_EQ(alignment.model_head_from_base_embedding.has_value(),
            golden.json.contains("model_head_from_base_embedding"));
  for (const Reading& reading : alignment.base_from_model) EXPECT_TRUE(reading.same_form()) << reading.target;
}

std::vector<Case> every_graft() {
  std::vector<Case> cases;
  for (const std::string& name : testing_support::family_golden_names()) {
    const FamilyGolden golden = family_golden(name);
    if (!golden.json.contains("base")) continue;
    cases.push_back({name, "saved"});
    if (!golden.json.contains("names")) continue;
    for (const auto& [layout, names] : golden.json.at("names").items()) cases.push_back({name, layout});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Goldens, EveryGraft, ::testing::ValuesIn(every_graft()),
                         [](const auto& each) { return each.param.name + "_" + each.param.layout; });

ModelDescription described(const std::string& name) {
  const FamilyGolden golden = family_golden(name);
  return describe(golden.config(), golden.tensors, name);
}

// A description of changed configs and tensors.
ModelDescription described(const std::string& name, const Json& changes, std::vector<TensorInfo> tensors) {
  Json config = family_golden(name).config();
  for (const auto& [key, value] : changes.items()) config[key] = value;
  return describe(config, tensors, name);
}

TEST(Align, ReadsFusedProjectionsOutOfSingleOnesAndBack) {
  const ModelDescription llama = described("llama"), phi3 = described("phi3");
  const Alignment alignment = align_descriptions(llama, phi3);
  EXPECT_THAT(alignment.problems, IsEmpty());
  EXPECT_THAT(alignment.notes, Contains(HasSubstr("llama and phi3")));

  const Reading& key = *alignment.find_base("model.layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(key.kind(), "part");
  EXPECT_EQ(key.pieces[0].source, "model.layers.1.self_attn.qkv_proj.weight");
  EXPECT_EQ(key.pieces[0].source_rows, RowBlocks::range(32, 16));

  const Reading& fused = *alignment.find_model("model.layers.0.mlp.gate_up_proj.weight");
  EXPECT_EQ(fused.kind(), "parts");
  ASSERT_THAT(fused.pieces, SizeIs(2));
  EXPECT_EQ(fused.pieces[1].source, "model.layers.0.mlp.up_proj.weight");
  EXPECT_EQ(fused.pieces[1].target_rows, RowBlocks::range(48, 48));
}

TEST(Align, TurnsAndRearrangesBetweenGpt2AndGptNeox) {
  FamilyGolden golden = family_golden("gpt2");
  std::erase_if(golden.tensors, [](const TensorInfo& tensor) { return tensor.name.ends_with("wpe.weight"); });
  FamilyGolden neox = family_golden("gpt_neox");
  Json config = neox.config();
  config["intermediate_size"] = 128;
  for (TensorInfo& tensor : neox.tensors) {
    for (std::int64_t& size : tensor.shape) size = size == 48 ? 128 : size;
  }
  const ModelDescription gpt2 = described("gpt2"), other = describe(config, neox.tensors, "neox");
  const Alignment alignment = align_descriptions(gpt2, other);
  ASSERT_THAT(alignment.problems, SizeIs(1));  // NeoX has no learned positions
  EXPECT_THAT(alignment.problems[0].tensors, ElementsAre("transformer.wpe.weight"));
  EXPECT_EQ(alignment.find_base("transformer.h.0.mlp.c_fc.weight")->kind(), "transposed");
  const Reading& qkv = *alignment.find_base("transformer.h.1.attn.c_attn.weight");
  ASSERT_THAT(qkv.pieces, SizeIs(3));
  EXPECT_TRUE(qkv.target_transposed);
  EXPECT_EQ(qkv.pieces[1].source_rows, (RowBlocks{.first = 8, .rows = 8, .stride = 24, .count = 4}));
  EXPECT_EQ(qkv.pieces[1].target_rows, RowBlocks::range(32, 32));
  // GPT-2 is tied, NeoX stores a head.
  ASSERT_TRUE(alignment.model_head_from_base_embedding.has_value());
  EXPECT_EQ(alignment.model_head_from_base_embedding->pieces[0].source, "transformer.wte.weight");
}

TEST(Align, ListsTheTensorsOfOneDecoderThatTheOtherLacks) {
  const ModelDescription llama = described("llama"), qwen2 = described("qwen2");  // Qwen2 has biases on q, k, v
  const Alignment alignment = align_descriptions(llama, qwen2);
  ASSERT_THAT(alignment.problems, SizeIs(1));
  EXPECT_THAT(alignment.problems[0].message,
              AllOf(HasSubstr("of model without counterpart in base"), HasSubstr("llama and qwen2")));
  EXPECT_THAT(alignment.problems[0].tensors, SizeIs(6));
  EXPECT_THAT([&] { alignment.require_complete(); },
              ThrowsMessage<ShapeError>(HasSubstr("model.layers.1.self_attn.v_proj.bias")));

  const Alignment skipping = align_descriptions(llama, qwen2, {.skip_unmatched = true});
  EXPECT_THAT(skipping.problems, IsEmpty());
  EXPECT_THAT(skipping.skipped, SizeIs(6));
}

TEST(Align, NamesTheSizesThatDiffer) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  for (TensorInfo& tensor : tensors) {
    for (std::int64_t& size : tensor.shape) size = size == 32 ? 64 : size == 16 ? 32 : size;
  }
  const ModelDescription small = described("llama"),
                         wide =
                             described("llama", {{"hidden_size", 64}, {"head_dim", 16}, {"vocab_size", 64}}, tensors);
  const Alignment alignment = align_descriptions(small, wide);
  ASSERT_THAT(alignment.problems, SizeIs(1));
  EXPECT_THAT(alignment.problems[0].message, HasSubstr("hidden_size 32 and 64"));
  EXPECT_THAT(alignment.problems[0].tensors,
              Contains("model.layers.0.mlp.down_proj.weight [32, 48] - model.layers.0.mlp.down_proj.weight [64, 48]"));
  EXPECT_THAT(alignment.problems[0].tensors, SizeIs(21));
}

TEST(Align, ReportsLayersThatOneSideLacks) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  std::erase_if(tensors, [](const TensorInfo& tensor) { return tensor.name.starts_with("model.layers.1."); });
  const ModelDescription deep = described("llama"), shallow = described("llama", {{"num_hidden_layers", 1}}, tensors);
  const Alignment alignment = align_descriptions(deep, shallow);
  ASSERT_THAT(alignment.problems, SizeIs(1));
  EXPECT_THAT(alignment.problems[0].message, HasSubstr("num_layers 2 and 1"));
  EXPECT_THAT(alignment.problems[0].tensors, SizeIs(9));
}

TEST(Align, AllowsVocabulariesOfDifferentSizesButNotRows) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  for (TensorInfo& tensor : tensors) {
    if (tensor.shape[0] == 64) tensor.shape[0] = 70;
  }
  const ModelDescription base = described("llama"), model = described("llama", {{"vocab_size", 70}}, tensors);
  const Alignment alignment = align_descriptions(base, model);
  EXPECT_THAT(alignment.problems, IsEmpty());
  EXPECT_TRUE(alignment.find_base("lm_head.weight")->vocabulary);
  EXPECT_EQ(alignment.vocabulary.base_rows, 64);
  EXPECT_EQ(alignment.vocabulary.model_rows, 70);
  EXPECT_EQ(alignment.vocabulary.shared_rows, 64);
}

TEST(Align, PairsTheTowersOfTwoMultimodalModels) {
  const FamilyGolden golden = family_golden("llava_llama");
  const ModelDescription saved = described("llava_llama");
  const ModelDescription module = describe(golden.config(), golden.in_layout("module"), "module");
  const Alignment alignment = align_descriptions(saved, module);
  EXPECT_THAT(alignment.problems, IsEmpty());
  EXPECT_THAT(alignment.modality_only, IsEmpty());
  EXPECT_THAT(alignment.base_modality_only, IsEmpty());
  EXPECT_EQ(alignment.base_from_model.size(), golden.tensors.size());
  EXPECT_EQ(alignment.find_base("vision_tower.post_layernorm.bias")->pieces[0].source,
            "model.vision_tower.post_layernorm.bias");
}

TEST(Align, KeepsBuffersOutOfPairsAndProblems) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  tensors.push_back({.name = "model.layers.0.self_attn.rotary_emb.inv_freq", .dtype = DType::kF32, .shape = {4}});
  const ModelDescription base = described("llama", Json::object(), tensors), model = described("llava_llama");
  const Alignment alignment = align_descriptions(base, model);
  EXPECT_THAT(alignment.problems, IsEmpty());
  EXPECT_THAT(alignment.buffers, ElementsAre("model.layers.0.self_attn.rotary_emb.inv_freq"));
}

// The same model under an architecture that no file describes.
ModelDescription strange(const std::string& name, const std::string& prefix, Json changes = Json::object()) {
  FamilyGolden golden = family_golden(name);
  for (TensorInfo& tensor : golden.tensors) tensor.name = prefix + tensor.name;
  changes["architectures"] = {"StrangeForCausalLM"};
  changes["model_type"] = "strange";
  return described(name, changes, golden.tensors);
}

TEST(Align, FallsBackToSuffixAndShapeForUnknownFamiliesAndSaysSo) {
  const ModelDescription base = strange("llama", "");
  const FamilyGolden golden = family_golden("llava_llama");
  const ModelDescription model =
      strange("llava_llama", "", {{"text_config", {{"model_type", "odd"}}}, {"vision_config", Json::object()}});
  const Alignment alignment = align_descriptions(base, model);
  EXPECT_THAT(alignment.problems, IsEmpty());
  Names expected;
  for (const auto& [mine, other] : golden.json.at("language").items()) expected[mine] = other.get<std::string>();
  EXPECT_EQ(pairs_of(alignment.base_from_model), expected);
  EXPECT_EQ(alignment.modality_only, golden.json.at("modality_only").get<std::vector<std::string>>());
  EXPECT_THAT(alignment.notes, Contains(HasSubstr("StrangeForCausalLM")));
}

TEST(Align, NeverPairsOneLayerWithAnotherByItsSuffix) {
  const ModelDescription base = strange("llama", "");
  FamilyGolden golden = family_golden("llama");
  std::erase_if(golden.tensors, [](const TensorInfo& tensor) { return tensor.name.starts_with("model.layers.0."); });
  const ModelDescription model = described("llama", {{"architectures", {"X"}}, {"model_type", "x"}}, golden.tensors);
  const Alignment alignment = align_descriptions(base, model);
  ASSERT_THAT(alignment.problems, SizeIs(1));
  EXPECT_THAT(alignment.problems[0].tensors, SizeIs(9));
  EXPECT_THAT(alignment.problems[0].tensors, Contains("model.layers.0.self_attn.q_proj.weight"));
}

TEST(Align, ReadsATiedHeadOfAnUnknownFamilyFromItsEmbedding) {
  const ModelDescription base = strange("llama", ""), model = strange("llama_tied", "lm.");
  const Alignment alignment = align_descriptions(base, model);
  EXPECT_THAT(alignment.problems, IsEmpty());
  ASSERT_TRUE(alignment.base_head_from_model_embedding.has_value());
  EXPECT_EQ(alignment.base_head_from_model_embedding->pieces[0].source, "lm.model.embed_tokens.weight");
}

}  // namespace
}  // namespace cambium::family
