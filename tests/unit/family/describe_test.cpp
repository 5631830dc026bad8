#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "family/model_description.h"
#include "support/family_golden.h"
#include "tensor/error.h"

namespace cambium::family {
namespace {

using checkpoint::Json;
using checkpoint::TensorInfo;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;
using testing_support::family_golden;
using testing_support::FamilyGolden;

class EveryFamily : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryFamily, IsToldByConfigAndGivesEachLanguageTensorARole) {
  const FamilyGolden golden = family_golden(GetParam());
  const ModelDescription model = describe(golden.config(), golden.tensors, "model");
  EXPECT_EQ(model.family, golden.json.at("family").get<std::string>());
  if (!model.language_known()) return;
  EXPECT_THAT(model.notes, IsEmpty());
  EXPECT_EQ(model.layout, golden.json.at("layout").get<std::string>());
  EXPECT_EQ(model.multimodal, golden.json.contains("modality_only") || golden.config().contains("vision_config"));
  EXPECT_THAT(model.tensors, SizeIs(golden.tensors.size()));
  std::vector<std::string> modality;
  for (const TensorRole& tensor : model.tensors) {
    EXPECT_FALSE(tensor.canonical.empty()) << tensor.name;
    if (tensor.part == Part::kLanguage) {
      EXPECT_NE(tensor.role, Role::kOther) << tensor.name;
    } else {
      EXPECT_NE(tensor.part, Part::kOther) << tensor.name;
      modality.push_back(tensor.name);
    }
  }
  if (golden.json.contains("modality_only")) {
    EXPECT_EQ(modality, golden.json.at("modality_only").get<std::vector<std::string>>());
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, EveryFamily, ::testing::ValuesIn(testing_support::family_golden_names()),
                         [](const auto& each) {
                           std::string name = each.param;
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

class EveryLayout : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(EveryLayout, GivesTheCanonicalNamesOfTheSavedForm) {
  const auto& [name, layout] = GetParam();
  const FamilyGolden golden = family_golden(name);
  const ModelDescription saved = describe(golden.config(), golden.tensors, "saved");
  const Json& config = golden.json.at(layout == "original" ? "original_config" : "config");
  const ModelDescription other = describe(config, golden.in_layout(layout), "other");
  EXPECT_EQ(other.layout, layout);
  for (const TensorRole& tensor : saved.tensors) {
    const TensorRole* twin = other.find(golden.json.at("names").at(layout).at(tensor.name).get<std::string>());
    ASSERT_NE(twin, nullptr) << tensor.name;
    EXPECT_EQ(twin->canonical, tensor.canonical);
    EXPECT_EQ(twin->part, tensor.part) << tensor.name;
    EXPECT_EQ(twin->role, tensor.role) << tensor.name;
    EXPECT_EQ(twin->layer, tensor.layer) << tensor.name;
    if (tensor.part != Part::kLanguage) {
      EXPECT_EQ(tensor.canonical, tensor.name);
    }
  }
}

std::vector<std::pair<std::string, std::string>> all_layouts() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const std::string& name : testing_support::family_golden_names()) {
    const FamilyGolden golden = family_golden(name);
    if (!golden.json.contains("names")) continue;
    for (const auto& [layout, names] : golden.json.at("names").items()) all.emplace_back(name, layout);
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Goldens, EveryLayout, ::testing::ValuesIn(all_layouts()),
                         [](const auto& each) { return each.param.first + "_" + each.param.second; });

TEST(Describe, ReadsSizesWithTheDefaultsThatA4xConfigLeavesOut) {
  const ModelDescription llava =
      describe(family_golden("v4_llava_1.5_7b").config(), family_golden("v4_llava_1.5_7b").tensors, "m");
  EXPECT_EQ(llava.language.family, "llama");
  EXPECT_EQ(llava.language.num_layers, 32);
  EXPECT_EQ(llava.language.head_dim, 128);
  EXPECT_EQ(llava.language.vocab_size, 32064);
  EXPECT_FALSE(llava.language.tie_word_embeddings);

  const ModelDescription mllama =
      describe(family_golden("v4_mllama_11b").config(), family_golden("v4_mllama_11b").tensors, "m");
  EXPECT_EQ(mllama.language.num_layers, 32);
  EXPECT_THAT(mllama.cross_attention_layers, ElementsAre(3, 8, 13, 18, 23, 28, 33, 38));
  EXPECT_EQ(mllama.find("language_model.model.layers.4.mlp.up_proj.weight")->canonical, "layers.3.mlp.up_proj.weight");
  EXPECT_EQ(mllama.find("language_model.model.layers.39.mlp.up_proj.weight")->layer, 31);
  EXPECT_EQ(mllama.find("language_model.model.layers.3.mlp.up_proj.weight")->part, Part::kCrossAttention);
}

TEST(Describe, TakesFusedProjectionsApart) {
  const ModelDescription phi3 = describe(family_golden("phi3").config(), family_golden("phi3").tensors, "m");
  const TensorRole& qkv =
      *phi3.find("model.layers.1.self_attn.qkv_proj.weight");  // 4 query heads, 2 of keys, head_dim 8
  ASSERT_THAT(qkv.parts, SizeIs(3));
  EXPECT_EQ(qkv.parts[1].canonical, "layers.1.self_attn.k_proj.weight");
  EXPECT_EQ(qkv.parts[1].rows, RowBlocks::range(32, 16));
  EXPECT_EQ(qkv.parts[1].heads->count, 2);

  const ModelDescription neox = describe(family_golden("gpt_neox").config(), family_golden("gpt_neox").tensors, "m");
  const TensorRole& per_head = *neox.find("gpt_neox.layers.0.attention.query_key_value.bias");
  EXPECT_EQ(per_head.canonical, "layers.0.self_attn.qkv_proj.bias");
  EXPECT_EQ(per_head.parts[2].rows, (RowBlocks{.first = 16, .rows = 8, .stride = 24, .count = 4}));

  const ModelDescription gpt2 = describe(family_golden("gpt2").config(), family_golden("gpt2").tensors, "m");
  EXPECT_TRUE(gpt2.find("transformer.h.0.attn.c_attn.weight")->transposed);
  EXPECT_TRUE(gpt2.language.tie_word_embeddings);
}

TEST(Describe, KnowsGpt2WithoutItsPrefixAndLlamaWithoutItsHead) {
  for (const std::string name : {"gpt2", "llama"}) {
    const FamilyGolden golden = family_golden(name);
    std::vector<TensorInfo> bare;
    for (TensorInfo tensor : golden.tensors) {
      if (tensor.name == "lm_head.weight") continue;
      tensor.name.erase(0, tensor.name.find('.') + 1);
      bare.push_back(tensor);
    }
    const ModelDescription model = describe(golden.config(), bare, "m");
    EXPECT_EQ(model.layout, "bare");
    EXPECT_NE(model.find_canonical("layers.1.input_layernorm.weight"), nullptr) << name;
  }
}

TEST(Describe, TellsTheLanguageModelOfEachLlavaRepositoryClassByItsArchitecture) {
  const FamilyGolden golden = family_golden("qwen2");
  Json config = golden.config();
  config["architectures"] = {"LlavaQwenForCausalLM"};
  config["model_type"] = "llava";
  std::vector<TensorInfo> tensors = golden.tensors;
  tensors.push_back({.name = "model.mm_projector.0.weight", .dtype = DType::kF32, .shape = {32, 16}});
  const ModelDescription model = describe(config, tensors, "m");
  EXPECT_EQ(model.family, "llava");
  EXPECT_EQ(model.layout, "original");
  EXPECT_EQ(model.language.family, "qwen2");
  EXPECT_EQ(model.find("model.mm_projector.0.weight")->canonical, "multi_modal_projector.linear_1.weight");
}

TEST(Describe, FindsAKnownDecoderInAnUnknownGraftAndSaysSo) {
  const FamilyGolden golden = family_golden("llava_llama");
  Json config = golden.config();
  config["architectures"] = {"BrandNewForConditionalGeneration"};
  config["model_type"] = "brand_new";
  std::vector<TensorInfo> tensors = golden.tensors;
  for (TensorInfo& tensor : tensors) tensor.name = "net." + tensor.name;
  const ModelDescription model = describe(config, tensors, "m");
  EXPECT_EQ(model.family, "unknown");
  EXPECT_EQ(model.language.family, "llama");
  EXPECT_EQ(model.find("net.language_model.model.layers.1.mlp.up_proj.weight")->canonical,
            "layers.1.mlp.up_proj.weight");
  EXPECT_EQ(model.find("net.language_model.lm_head.weight")->role, Role::kLmHead);
  EXPECT_EQ(model.find("net.vision_tower.post_layernorm.weight")->part, Part::kOther);
  EXPECT_THAT(model.notes, ElementsAre(AllOf(HasSubstr("BrandNew"), HasSubstr("net.language_model.model."))));
}

TEST(Describe, GuessesRolesOfAnUnknownDecoderAndSaysSo) {
  const FamilyGolden golden = family_golden("llama");
  Json config = golden.config();
  config["architectures"] = {"StrangeForCausalLM"};
  config["model_type"] = "strange";
  const ModelDescription model = describe(config, golden.tensors, "m");
  EXPECT_EQ(model.family, "unknown");
  EXPECT_FALSE(model.language_known());
  EXPECT_EQ(model.find("model.layers.1.self_attn.v_proj.weight")->role, Role::kValue);
  EXPECT_EQ(model.find("model.layers.1.self_attn.v_proj.weight")->layer, 1);
  EXPECT_THAT(model.notes, ElementsAre(HasSubstr("StrangeForCausalLM")));
}

TEST(Describe, IgnoresRotaryTablesAndCausalMasks) {
  const FamilyGolden golden = family_golden("gpt_neox");
  std::vector<TensorInfo> tensors = golden.tensors;
  tensors.push_back({.name = "gpt_neox.layers.0.attention.bias", .dtype = DType::kBool, .shape = {1, 1, 2048, 2048}});
  tensors.push_back({.name = "gpt_neox.layers.0.attention.masked_bias", .dtype = DType::kF32, .shape = {}});
  tensors.push_back({.name = "gpt_neox.layers.0.attention.rotary_emb.inv_freq", .dtype = DType::kF32, .shape = {4}});
  const ModelDescription model = describe(golden.config(), tensors, "m");
  EXPECT_EQ(model.find("gpt_neox.layers.0.attention.bias")->role, Role::kBuffer);
  EXPECT_EQ(model.find("gpt_neox.layers.0.attention.masked_bias")->role, Role::kBuffer);
  EXPECT_EQ(model.find("gpt_neox.layers.0.attention.rotary_emb.inv_freq")->role, Role::kBuffer);
}

// A config of llama's golden with some keys replaced.
Json llama_with(const Json& changes) {
  Json config = family_golden("llama").config();
  for (const auto& [key, value] : changes.items()) config[key] = value;
  return config;
}

auto refuses(const Json& changes, const std::vector<TensorInfo>& tensors,
             const ::testing::Matcher<std::string>& message) {
  return ::testing::Matches(ThrowsMessage<CheckpointError>(message))(
      [&] { (void)describe(llama_with(changes), tensors, "folder"); });
}

TEST(Describe, RefusesSizesThatAreNoSizes) {
  const std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  EXPECT_TRUE(
      refuses({{"hidden_size", "eight"}}, tensors, AllOf(HasSubstr("folder"), HasSubstr("hidden_size = \"eight\""))));
  EXPECT_TRUE(refuses({{"hidden_size", -8}}, tensors, HasSubstr("-8")));
  EXPECT_TRUE(refuses({{"hidden_size", 32.5}}, tensors, HasSubstr("32.5")));
  EXPECT_TRUE(refuses({{"hidden_size", nullptr}}, tensors, HasSubstr("null")));
  EXPECT_TRUE(refuses({{"vocab_size", 18446744073709551615ULL}}, tensors, HasSubstr("18446744073709551615")));
  EXPECT_TRUE(refuses({{"num_hidden_layers", 2147483648}}, tensors, HasSubstr("2147483648")));
  EXPECT_TRUE(refuses({{"num_hidden_layers", 1000000}}, tensors, HasSubstr("1000000 layers")));
  EXPECT_TRUE(refuses({{"num_attention_heads", 0}}, tensors, HasSubstr("num_attention_heads = 0")));
  EXPECT_TRUE(refuses({{"num_key_value_heads", 3}}, tensors, HasSubstr("num_key_value_heads = 3")));
  EXPECT_TRUE(refuses({{"num_attention_heads", 5}, {"head_dim", nullptr}, {"num_key_value_heads", 5}}, tensors,
                      HasSubstr("do not divide")));
  EXPECT_TRUE(refuses({{"tie_word_embeddings", "yes"}}, tensors, HasSubstr("tie_word_embeddings")));
  EXPECT_TRUE(refuses({{"architectures", 7}}, tensors, HasSubstr("architectures")));
  EXPECT_TRUE(refuses({{"text_config", Json::array({1})}}, tensors, HasSubstr("text_config")));
}

TEST(Describe, ListsAllMissingTensorsAtOnce) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  std::erase_if(tensors, [](const TensorInfo& tensor) { return tensor.name.ends_with("q_proj.weight"); });
  EXPECT_TRUE(refuses(Json::object(), tensors,
                      AllOf(HasSubstr("2 of the llama"), HasSubstr("model.layers.0.self_attn.q_proj.weight"),
                            HasSubstr("model.layers.1.self_attn.q_proj.weight"))));
}

TEST(Describe, WantsAHeadUnlessTheEmbeddingIsTied) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  std::erase_if(tensors, [](const TensorInfo& tensor) { return tensor.name == "lm_head.weight"; });
  EXPECT_TRUE(refuses(Json::object(), tensors, HasSubstr("lm_head.weight")));
  EXPECT_TRUE(describe(llama_with({{"tie_word_embeddings", true}}), tensors, "m").language.tie_word_embeddings);
}

TEST(Describe, NamesShapesThatTheConfigForbids) {
  const std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  EXPECT_TRUE(refuses({{"intermediate_size", 50}}, tensors,
                      AllOf(HasSubstr("'model.layers.1.mlp.down_proj.weight' has shape [32, 48], expected [32, 50]"),
                            HasSubstr("'model.layers.0.mlp.gate_proj.weight' has shape [48, 32], expected [50, 32]"))));
}

TEST(Describe, PointsAtQuantisationWhenTheWeightsAreMissing) {
  std::vector<TensorInfo> tensors = family_golden("llama").tensors;
  for (TensorInfo& tensor : tensors) {
    if (tensor.name.ends_with("q_proj.weight")) tensor.name.replace(tensor.name.size() - 6, 6, "qweight");
  }
  EXPECT_TRUE(refuses({{"quantization_config", {{"quant_method", "gptq"}}}}, tensors, HasSubstr("unquantised")));
}

TEST(Roles, HaveNamesThatReadBack) {
  for (int value = 0; value <= static_cast<int>(Role::kOther); ++value) {
    const Role role = static_cast<Role>(value);
    EXPECT_EQ(role_from_name(name_of(role)), role);
  }
  EXPECT_FALSE(role_from_name("qeury").has_value());
}

}  // namespace
}  // namespace cambium::family
