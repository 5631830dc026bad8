#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/json.h"
#include "support/run_program.h"
#include "support/temp_folder.h"

namespace cambium::cli {
namespace {

using checkpoint::CheckpointWriter;
using checkpoint::Json;
using checkpoint::TensorInfo;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing_support::ProgramResult;
using testing_support::run_program;
using testing_support::TempFolder;

constexpr std::string_view kConfig =
    R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":8,"intermediate_size":16,"num_hidden_layers":1,
        "num_attention_heads":2,"num_key_value_heads":1,"vocab_size":16,"rms_norm_eps":1e-5})";

// A llama of one layer, in two shards: 16 x 8 embeddings and head in F32, the rest in BF16.
std::filesystem::path make_llama(const TempFolder& folder) {
  const std::string layer = "model.layers.0.";
  const checkpoint::OutputLayout layout =
      checkpoint::plan_output({{"model.embed_tokens.weight", DType::kF32, {16, 8}},
                               {"lm_head.weight", DType::kF32, {16, 8}},
                               {layer + "self_attn.q_proj.weight", DType::kBF16, {8, 8}},
                               {layer + "self_attn.k_proj.weight", DType::kBF16, {4, 8}},
                               {layer + "self_attn.v_proj.weight", DType::kBF16, {4, 8}},
                               {layer + "self_attn.o_proj.weight", DType::kBF16, {8, 8}},
                               {layer + "mlp.gate_proj.weight", DType::kBF16, {16, 8}},
                               {layer + "mlp.up_proj.weight", DType::kBF16, {16, 8}},
                               {layer + "mlp.down_proj.weight", DType::kBF16, {8, 16}},
                               {layer + "input_layernorm.weight", DType::kBF16, {8}},
                               {layer + "post_attention_layernorm.weight", DType::kBF16, {8}},
                               {"model.norm.weight", DType::kBF16, {8}}},
                              1200);
  CheckpointWriter writer(folder / "llama", layout, CheckpointWriter::Start::kFresh);
  writer.write_file("config.json", kConfig);
  writer.write_file("tokenizer_config.json", "{}");
  writer.finish();
  return folder / "llama";
}

ProgramResult inspect(const std::string& arguments) {
  return run_program(std::string(CAMBIUM_BINARY) + " inspect " + arguments);
}

TEST(Inspect, TellsFamilySizesAndParts) {
  const TempFolder folder;
  const ProgramResult result = inspect(make_llama(folder).string());
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("family      llama"), HasSubstr("1 layers, hidden 8, 2 heads (1 key/value) of 4"),
                    HasSubstr("parameters  856\n"), HasSubstr("12 tensors, 2 shards"),
                    HasSubstr("tokenizer_config.json"), HasSubstr("language       12         856")));
  EXPECT_THAT(result.out, Not(HasSubstr("q_proj")));
}

TEST(Inspect, ListsTensors) {
  const TempFolder folder;
  const ProgramResult result = inspect(make_llama(folder).string() + " --tensors");
  EXPECT_THAT(result.out,
              HasSubstr("model.layers.0.self_attn.k_proj.weight          BF16   [4, 8]    64 B  language  key"));
}

TEST(Inspect, PrintsJson) {
  const TempFolder folder;
  const ProgramResult result = inspect(make_llama(folder).string() + " --json --tensors");
  const Json json = checkpoint::parse_json(result.out, "stdout");
  EXPECT_EQ(json["family"], "llama");
  EXPECT_EQ(json["parameters"], 856);
  EXPECT_EQ(json["language"]["num_kv_heads"], 1);
  EXPECT_EQ(
      json["dtypes"].dump(),
      R"([{"dtype":"BF16","tensors":10,"parameters":600,"bytes":1200},{"dtype":"F32","tensors":2,"parameters":256,"bytes":1024}])");
  EXPECT_EQ(json["tensors"].size(), 12U);
  EXPECT_EQ(json["tensors"][0]["role"], "lm_head");
  EXPECT_EQ(json["tensors"][0]["layer"], nullptr);
}

TEST(Inspect, AnswersWhatIsNoModelWithOneMessage) {
  const TempFolder folder;
  folder.write("tokens/tokenizer.json", "{}");
  const auto refused = [](const std::string& arguments, int status, const std::string& what) {
    const ProgramResult result = inspect(arguments);
    EXPECT_EQ(result.status, status) << arguments;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr(what));
  };
  refused((folder / "none").string(), 1, "does not exist");
  refused((folder / "tokens").string(), 1, "no config.json");
  folder.write("tokens/config.json", kConfig);
  refused((folder / "tokens").string(), 1, "no weights");
  refused("", 2, "MODEL is required");
}

}  // namespace
}  // namespace cambium::cli
