#include "merge/adapter_target.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace cambium::merge {
namespace {

using family::ModelDescription;
using family::Part;
using family::RowBlocks;
using family::TensorRole;

ModelDescription description(const std::vector<std::tuple<std::string, Part, std::string>>& tensors) {
  ModelDescription model;
  for (const auto& [name, part, canonical] : tensors) {
    TensorRole role;
    role.name = name;
    role.part = part;
    role.canonical = canonical;
    model.tensors.push_back(role);
  }
  std::ranges::sort(model.tensors, {}, &TensorRole::name);
  return model;
}

std::string target_of(const ModelDescription& model, const std::string& path) {
  const AdapterTarget target = find_adapter_target(model, path);
  return target.tensor == nullptr ? "none" : target.tensor->name;
}

// Names as LLaVA's files have them; the adapter's paths are those of the modules, or of the language model by itself.
TEST(AdapterTarget, FindsLayersOfAGraftedModelFromEitherSide) {
  const ModelDescription model = description({
      {"language_model.model.layers.0.self_attn.q_proj.weight", Part::kLanguage, "layers.0.self_attn.q_proj.weight"},
      {"language_model.model.embed_tokens.weight", Part::kLanguage, "embed_tokens.weight"},
      {"vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight", Part::kVisionTower, "vision_tower.x"},
      {"multi_modal_projector.linear_1.weight", Part::kProjector, "multi_modal_projector.linear_1.weight"},
  });
  const std::string language = "language_model.model.layers.0.self_attn.q_proj.weight";
  EXPECT_EQ(target_of(model, "model.layers.0.self_attn.q_proj.weight"), language);
  EXPECT_EQ(target_of(model, "model.language_model.layers.0.self_attn.q_proj.weight"), language);
  EXPECT_EQ(target_of(model, "model.vision_tower.encoder.layers.0.self_attn.q_proj.weight"),
            "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(target_of(model, "model.embed_tokens.weight"), "language_model.model.embed_tokens.weight");
  EXPECT_EQ(target_of(model, "model.multi_modal_projector.linear_1.weight"), "multi_modal_projector.linear_1.weight");
  EXPECT_EQ(target_of(model, "model.layers.1.self_attn.q_proj.weight"), "none");
  EXPECT_EQ(target_of(model, "model.layers.0.self_attn.k_proj.weight"), "none");
  EXPECT_EQ(target_of(model, "lm_head.weight"), "none");
}

// Mllama: the file's layer 5 is the text model's layer 4, because layer 3 is a cross-attention layer.
TEST(AdapterTarget, CountsAPlainModelsLayersWithoutInsertedOnes) {
  const ModelDescription model = description({
      {"language_model.model.layers.4.self_attn.q_proj.weight", Part::kLanguage, "layers.3.self_attn.q_proj.weight"},
      {"language_model.model.layers.5.self_attn.q_proj.weight", Part::kLanguage, "layers.4.self_attn.q_proj.weight"},
  });
  EXPECT_EQ(target_of(model, "model.layers.4.self_attn.q_proj.weight"),
            "language_model.model.layers.5.self_attn.q_proj.weight");
  EXPECT_EQ(target_of(model, "model.language_model.layers.4.self_attn.q_proj.weight"),
            "language_model.model.layers.4.self_attn.q_proj.weight");
}

TEST(AdapterTarget, FindsPartsOfFusedTensors) {
  ModelDescription model = description(
      {{"model.layers.0.self_attn.qkv_proj.weight", Part::kLanguage, "layers.0.self_attn.qkv_proj.weight"}});
  family::FusedPart key;
  key.canonical = "layers.0.self_attn.k_proj.weight";
  key.rows = RowBlocks::range(16, 8);
  model.tensors[0].parts.push_back(key);
  const AdapterTarget target = find_adapter_target(model, "model.layers.0.self_attn.k_proj.weight");
  ASSERT_NE(target.tensor, nullptr);
  EXPECT_EQ(target.rows, RowBlocks::range(16, 8));
  EXPECT_EQ(find_adapter_target(model, "model.layers.0.self_attn.qkv_proj.weight").rows, std::nullopt);
}

TEST(AdapterTarget, ATiedHeadIsTheEmbedding) {
  ModelDescription model = description({{"model.embed_tokens.weight", Part::kLanguage, "embed_tokens.weight"}});
  EXPECT_EQ(target_of(model, "lm_head.weight"), "none");
  model.language.tie_word_embeddings = true;
  EXPECT_EQ(target_of(model, "lm_head.weight"), "model.embed_tokens.weight");
}

TEST(AdapterTarget, RefusesToGuessBetweenTwo) {
  const ModelDescription model = description({{"a.vision.blocks.0.qkv.weight", Part::kVisionTower, ""},
                                              {"b.vision.blocks.0.qkv.weight", Part::kVisionTower, ""}});
  EXPECT_EQ(target_of(model, "model.vision.blocks.0.qkv.weight"), "none");
  EXPECT_EQ(target_of(model, "b.vision.blocks.0.qkv.weight"), "b.vision.blocks.0.qkv.weight");
}

}  // namespace
}  // namespace cambium::merge
