#include "checkpoint/gguf_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/gguf_config.h"
#include "support/temp_folder.h"
#include "support/tiny_gguf.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using test::TinyGguf;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_support::TempFolder;

std::string text_of(const test::GgufBytes& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

// The message with which this model is refused, or "accepted".
std::string refusal(const TinyGguf& tiny) {
  const TempFolder folder;
  try {
    const GgufModel model(folder.write("tiny.gguf", text_of(tiny.bytes())));
    (void)gguf_config(model, DType::kBF16);
    (void)gguf_generation_config(model);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TinyGguf::Tensor& tensor(TinyGguf& tiny, std::string_view name) {
  return *std::ranges::find(tiny.tensors, name, &TinyGguf::Tensor::name);
}

std::uint32_t& integer(TinyGguf& tiny, std::string_view key) {
  return std::ranges::find(tiny.integers, key, &std::pair<std::string, std::uint32_t>::first)->second;
}

TEST(GgufModel, GivesTensorsTheirHuggingFaceNamesAndSizes) {
  const TempFolder folder;
  const GgufModel model(folder.write("tiny.gguf", text_of(TinyGguf{}.bytes())));
  ASSERT_EQ(model.tensors().size(), 11U);
  EXPECT_EQ(model.tensors().front().name, "model.embed_tokens.weight");
  EXPECT_TRUE(model.has("model.layers.0.self_attn.o_proj.weight"));
  EXPECT_FALSE(model.has("lm_head.weight"));
  EXPECT_EQ(model.sizes().head_dim, 2);
  EXPECT_EQ(model.sizes().vocabulary, 5);
  const Json config = gguf_config(model, DType::kBF16);
  EXPECT_EQ(config["tie_word_embeddings"], true);
  EXPECT_EQ(config["rms_norm_eps"], 1e-5);
  EXPECT_EQ(config["dtype"], "bfloat16");
  EXPECT_EQ(config["num_key_value_heads"], 2) << "as many as heads if the file does not say";
}

// 2 heads of 4 rows. In the file a head's rows are pairs (0 2)(1 3); Hugging Face has the halves 0 1 | 2 3.
TEST(GgufModel, PutsRowsOfQueriesBackIntoHalves) {
  TinyGguf tiny;
  integer(tiny, "llama.embedding_length") = 8;
  for (TinyGguf::Tensor& each : tiny.tensors) {
    for (std::uint64_t& size : each.shape) size = size == 4 ? 8 : size;
  }
  tiny.value = [](const std::string&, std::uint64_t index) { return static_cast<float>(index / 8); };  // the row
  const TempFolder folder;
  const GgufModel model(folder.write("tiny.gguf", text_of(tiny.bytes())));
  const auto rows = [&](std::string_view name, std::int64_t first, std::size_t count) {
    const auto& found = *std::ranges::find(model.tensors(), name, &GgufModelTensor::name);
    std::vector<float> values(count * 8);
    model.read(found, first, values);
    std::vector<float> result;
    for (std::size_t i = 0; i < values.size(); i += 8) result.push_back(values[i]);
    return result;
  };
  EXPECT_THAT(rows("model.layers.0.self_attn.q_proj.weight", 0, 8), ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(rows("model.layers.0.self_attn.k_proj.weight", 1, 3), ElementsAre(2, 1, 3)) << "from any row on";
  EXPECT_THAT(rows("model.layers.0.self_attn.v_proj.weight", 0, 4), ElementsAre(0, 1, 2, 3));
}

TEST(GgufModel, ListsTensorsThatAreMissingOrHaveNoPlace) {
  TinyGguf missing;
  tensor(missing, "blk.0.ffn_up.weight").name = "blk.0.ffn_norm.bias";
  EXPECT_THAT(refusal(missing), AllOf(HasSubstr("missing"), HasSubstr("blk.0.ffn_up.weight")));
  TinyGguf extra;
  extra.tensors.push_back({"blk.1.ffn_up.weight", {4, 6}});
  EXPECT_THAT(refusal(extra), AllOf(HasSubstr("no place"), HasSubstr("blk.1.ffn_up.weight")));
  TinyGguf many;
  integer(many, "llama.block_count") = 1000000000;
  EXPECT_THAT(refusal(many), AllOf(HasSubstr("missing"), HasSubstr("more")));
}

TEST(GgufModel, NamesTensorFoundAndExpectedShape) {
  TinyGguf tiny;
  tensor(tiny, "blk.0.attn_v.weight").shape = {4, 6};
  EXPECT_THAT(refusal(tiny), AllOf(HasSubstr("tiny.gguf"), HasSubstr("blk.0.attn_v.weight"), HasSubstr("[6, 4]"),
                                   HasSubstr("[4, 4]")));
}

TEST(GgufModel, RefusesTypesThatItCannotRead) {
  TinyGguf tiny;
  tensor(tiny, "blk.0.attn_v.weight").type = 26;  // I32, of the same size
  EXPECT_THAT(refusal(tiny), AllOf(HasSubstr("blk.0.attn_v.weight"), HasSubstr("I32"), HasSubstr("Q4_K")));
}

TEST(GgufModel, RefusesWhatIsNoDenseLanguageModel) {
  TinyGguf unknown;
  unknown.architecture = "mamba";
  EXPECT_THAT(refusal(unknown), AllOf(HasSubstr("'mamba'"), HasSubstr("llama, mistral, qwen2, qwen3")));
  TinyGguf tower;
  tower.texts.emplace_back("general.type", "mmproj");
  EXPECT_THAT(refusal(tower), HasSubstr("without its language model"));
  TinyGguf adapter;
  adapter.texts.emplace_back("general.type", "adapter");
  EXPECT_THAT(refusal(adapter), HasSubstr("LoRA adapter"));
  TinyGguf experts;
  experts.integers.emplace_back("llama.expert_count", 8);
  EXPECT_THAT(refusal(experts), HasSubstr("mixture-of-experts"));
}

TEST(GgufModel, RefusesSizesThatMakeNoSense) {
  TinyGguf zero;
  integer(zero, "llama.attention.head_count") = 0;
  EXPECT_THAT(refusal(zero), AllOf(HasSubstr("llama.attention.head_count"), HasSubstr("is 0")));
  TinyGguf share;
  share.integers.emplace_back("llama.attention.head_count_kv", 3);
  EXPECT_THAT(refusal(share), HasSubstr("cannot share"));
  TinyGguf uneven;
  uneven.integers.emplace_back("llama.attention.value_length", 1);
  EXPECT_THAT(refusal(uneven), HasSubstr("dimensions a head"));
  TinyGguf absent;
  absent.integers.erase(absent.integers.begin());
  EXPECT_THAT(refusal(absent), AllOf(HasSubstr("llama.block_count"), HasSubstr("missing")));
  TinyGguf id;
  integer(id, "tokenizer.ggml.bos_token_id") = 5;
  EXPECT_THAT(refusal(id), AllOf(HasSubstr("tokenizer.ggml.bos_token_id"), HasSubstr("below 5")));
  TinyGguf rotary;
  rotary.integers.emplace_back("llama.rope.dimension_count", 1);
  EXPECT_THAT(refusal(rotary), HasSubstr("llama.rope.dimension_count"));
  TinyGguf bias;
  bias.tensors.push_back({"blk.0.attn_q.bias", {4}});
  EXPECT_THAT(refusal(bias), HasSubstr("all or none"));
}

TEST(GgufModel, TakesALlamaForMistralByItsNameOrWindow) {
  const auto model_type = [](const TinyGguf& tiny) {
    const TempFolder folder;
    const GgufModel model(folder.write("tiny.gguf", text_of(tiny.bytes())));
    return gguf_config(model, DType::kBF16);
  };
  TinyGguf named;
  named.texts.emplace_back("general.name", "Mistral 7B Instruct v0.3");
  EXPECT_EQ(model_type(named)["model_type"], "mistral");
  EXPECT_TRUE(model_type(named)["sliding_window"].is_null());
  TinyGguf windowed;
  windowed.integers.emplace_back("llama.attention.sliding_window", 4096);
  EXPECT_EQ(model_type(windowed)["architectures"][0], "MistralForCausalLM");
  EXPECT_EQ(model_type(windowed)["sliding_window"], 4096);
  EXPECT_EQ(model_type(TinyGguf{})["model_type"], "llama");
}

TEST(GgufModel, WritesScalingOfTheRotaryEmbeddingAsHuggingFaceDoes) {
  const auto rope = [](TinyGguf tiny) {
    const TempFolder folder;
    const GgufModel model(folder.write("tiny.gguf", text_of(tiny.bytes())));
    return gguf_config(model, DType::kBF16)["rope_parameters"];
  };
  TinyGguf yarn;
  yarn.texts.emplace_back("llama.rope.scaling.type", "yarn");
  yarn.integers.emplace_back("llama.rope.scaling.factor", 4);
  yarn.integers.emplace_back("llama.rope.scaling.original_context_length", 16);
  EXPECT_EQ(rope(yarn), Json::parse(R"({"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0,
                                        "original_max_position_embeddings": 16})"));
  TinyGguf linear;
  linear.texts.emplace_back("llama.rope.scaling.type", "linear");
  linear.integers.emplace_back("llama.rope.scaling.factor", 2);
  EXPECT_EQ(rope(linear)["rope_type"], "linear");
  EXPECT_EQ(rope(linear)["factor"], 2.0);
  // One divisor that no known scheme gives: kept as it is.
  TinyGguf other;
  other.tensors.push_back({"rope_freqs.weight", {1}});
  other.value = [](const std::string&, std::uint64_t) { return 0.75F; };
  EXPECT_EQ(rope(other)["rope_type"], "longrope");
  EXPECT_EQ(rope(other)["long_factor"], Json::parse("[0.75]"));
  EXPECT_EQ(rope(other)["attention_factor"], 1.0);
}

TEST(GgufParts, AreCheckedAgainstTheirNamesAndEachOther) {
  const TempFolder folder;
  TinyGguf tiny;
  tiny.integers.emplace_back("split.count", 2);
  tiny.integers.emplace_back("split.no", 0);
  const std::string first = text_of(tiny.bytes());
  const auto refused = [&](std::string_view name) {
    try {
      (void)GgufModel(folder / name);
    } catch (const CheckpointError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  folder.write("renamed.gguf", first);
  EXPECT_THAT(refused("renamed.gguf"), HasSubstr("give the parts their names back"));
  folder.write("m-00001-of-00002.gguf", first);
  EXPECT_THAT(refused("m-00001-of-00002.gguf"), AllOf(HasSubstr("m-00002-of-00002.gguf"), HasSubstr("missing")));
  folder.write("m-00002-of-00002.gguf", first);
  EXPECT_THAT(refused("m-00001-of-00002.gguf"), HasSubstr("says that it is part 1 of 2, expected 2 of 2"));
}

}  // namespace
}  // namespace cambium::checkpoint
