#include "checkpoint/checkpoint_conversion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/content_hash.h"
#include "checkpoint/conversion_source.h"
#include "checkpoint/json.h"
#include "checkpoint/model_folder.h"
#include "support/temp_folder.h"
#include "support/tiny_gguf.h"
#include "tensor/convert.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::file_content;
using testing_support::TempFolder;

namespace fs = std::filesystem;

const fs::path kGolden = CAMBIUM_SOURCE_DIR "/tests/golden/gguf";

ConversionResult convert(const fs::path& input, const fs::path& output, std::optional<DType> dtype = std::nullopt,
                         unsigned threads = 2, std::uint64_t shard_bytes = 5'000'000'000) {
  NoProgress progress;
  return convert_checkpoint(
      {.input = input.string(), .output = output, .dtype = dtype, .shard_bytes = shard_bytes, .threads = threads},
      progress);
}

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder).string()] = file_content(entry.path());
  }
  return files;
}

// ----------------------------------------------------------------------- GGUF files of known models, and back again

class GgufGolden : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(GgufGolden, GivesTheOriginalsTensorsConfigAndTokenizer) {
  const TempFolder folder;
  convert(kGolden / GetParam().second, folder / "out");
  const Json expected = read_json(kGolden / (std::string(GetParam().first) + ".expected.json"));

  const ModelFolder model(folder / "out");
  EXPECT_EQ(model.tensors().size(), expected["tensors"].size());
  for (const auto& [name, hash] : expected["tensors"].items()) {
    const TensorInfo* info = model.find(name);
    ASSERT_NE(info, nullptr) << name;
    EXPECT_EQ(to_string(hash_tensor(info->dtype, info->shape, model.mapped(name))), hash) << name;
  }

  // The version of the writer, the type asked for, and what the file does not say and transformers does not use.
  Json config = expected["config"];
  for (const char* key : {"transformers_version", "_sliding_window_pattern"}) config.erase(key);
  config["dtype"] = "bfloat16";
  if (config.contains("max_window_layers")) config["max_window_layers"] = config["num_hidden_layers"];
  EXPECT_EQ(nlohmann::json(model.config()), nlohmann::json(config));
  Json generation = expected["generation_config"];
  generation.erase("transformers_version");
  EXPECT_EQ(nlohmann::json(read_json(folder / "out/generation_config.json")), nlohmann::json(generation));

  const Json tokenizer = read_json(folder / "out/tokenizer.json");
  for (const char* part : {"normalizer", "pre_tokenizer", "decoder"}) {
    EXPECT_EQ(tokenizer[part], expected["tokenizer"][part]) << part;
  }
  EXPECT_EQ(tokenizer["added_tokens"], expected["tokenizer"]["added_tokens"]);
  for (const auto& [token, id] : expected["tokenizer"]["model"]["vocab"].items()) {
    EXPECT_EQ(tokenizer["model"]["vocab"].value(token, -1), id) << token;
  }
  EXPECT_EQ(tokenizer["model"]["ignore_merges"], expected["tokenizer"]["model"]["ignore_merges"]);
  if (!tokenizer["model"]["byte_fallback"]) {
    EXPECT_EQ(tokenizer["model"]["merges"], expected["tokenizer"]["model"]["merges"]);
  }
  const Json settings = read_json(folder / "out/tokenizer_config.json");
  for (const char* token : {"bos_token", "eos_token", "pad_token", "unk_token"}) {
    EXPECT_EQ(settings.value(token, ""), expected["tokenizer_config"].value(token, "")) << token;
  }
  EXPECT_EQ(file_content(folder / "out/chat_template.jinja"), expected["chat_template"]);
}

INSTANTIATE_TEST_SUITE_P(Models, GgufGolden,
                         testing::Values(std::pair{"llama3", "llama3.gguf"}, std::pair{"gemma3", "gemma3.gguf"},
                                         std::pair{"qwen3", "qwen3-00002-of-00002.gguf"}),
                         [](const auto& golden) { return golden.param.first; });

TEST(GgufConversion, GivesTheSameBytesForAnyNumberOfThreads) {
  const TempFolder folder;
  convert(kGolden / "llama3.gguf", folder / "one", std::nullopt, 1, 30'000);
  convert(kGolden / "llama3.gguf", folder / "four", std::nullopt, 4, 30'000);
  EXPECT_EQ(files_in(folder / "one"), files_in(folder / "four"));
  EXPECT_EQ(files_in(folder / "one").count("model-00003-of-00003.safetensors"), 1U);
}

TEST(GgufConversion, RoundsOnceToTheTypeAskedFor) {
  const TempFolder folder;
  test::TinyGguf tiny;
  tiny.value = [](const std::string&, std::uint64_t index) { return 1.0F + static_cast<float>(index) * 0x1p-12F; };
  const auto bytes = tiny.bytes();
  folder.write("tiny.gguf", {reinterpret_cast<const char*>(bytes.bytes().data()), bytes.bytes().size()});
  for (const DType dtype : {DType::kF16, DType::kF32, DType::kBF16}) {
    const fs::path out = folder / name_of(dtype);
    convert(folder / "tiny.gguf", out, dtype);
    const ModelFolder model(out);
    EXPECT_EQ(model.config()["dtype"], torch_name_of(dtype));
    std::vector<float> values(20), expected(20);
    to_float32(dtype, model.mapped("model.embed_tokens.weight"), values);
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = 1.0F + static_cast<float>(i) * 0x1p-12F;
    std::vector<std::byte> rounded(model.mapped("model.embed_tokens.weight").size());
    from_float32(dtype, expected, rounded);
    to_float32(dtype, rounded, expected);
    EXPECT_EQ(values, expected) << name_of(dtype);
  }
}

// ------------------------------------------------------------------------------------------------- folders to folders

// A model with weights of several types, as another program would have written it.
void write_model(const fs::path& folder, const Json& config, float scale = 1, std::int64_t rows = 7) {
  std::vector<TensorInfo> tensors{{"a.bf16", DType::kBF16, {3, 5}},
                                  {"b.f32", DType::kF32, {rows, 3000}},
                                  {"c.ids", DType::kI64, {4}},
                                  {"d.f64", DType::kF64, {2}},
                                  {"e.f8", DType::kF8E4M3, {7}}};
  CheckpointWriter writer(folder, plan_output(tensors), CheckpointWriter::Start::kFresh);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<std::byte> bytes(tensors[i].bytes(), std::byte{static_cast<unsigned char>(i + 1)});
    if (is_mergeable(tensors[i].dtype)) {
      std::vector<float> values(numel(tensors[i].shape));
      for (std::size_t k = 0; k < values.size(); ++k) values[k] = scale * std::sin(static_cast<float>(k));
      from_float32(tensors[i].dtype, values, bytes);
    }
    writer.write(i, 0, bytes);
  }
  writer.write_file("config.json", config.dump(2));
  writer.write_file("tokenizer.json", "{}");
  writer.write_file("additional_chat_templates/tools.jinja", "tools");
  writer.finish();
}

TEST(FolderConversion, ChangesFloatingTypesAndCopiesTheRest) {
  const TempFolder folder;
  write_model(folder / "in", {{"torch_dtype", "float32"}, {"text_config", {{"dtype", "float32"}, {"x", 1}}}}, 1, 900);
  const ConversionResult result = convert(folder / "in", folder / "out", DType::kBF16, 2, 100);
  const ModelFolder before(folder / "in");
  const ModelFolder after(folder / "out");
  EXPECT_EQ(result.tensors, 5U);
  EXPECT_EQ(result.weight_files, 3U);
  EXPECT_EQ(after.config(), (Json{{"torch_dtype", "bfloat16"}, {"text_config", {{"dtype", "bfloat16"}, {"x", 1}}}}));
  EXPECT_EQ(file_content(folder / "out/tokenizer.json"), "{}");
  EXPECT_EQ(file_content(folder / "out/additional_chat_templates/tools.jinja"), "tools");
  for (const char* kept : {"a.bf16", "c.ids", "e.f8"}) {
    EXPECT_EQ(after.find(kept)->dtype, before.find(kept)->dtype);
    EXPECT_TRUE(std::ranges::equal(after.mapped(kept), before.mapped(kept))) << kept;
  }
  EXPECT_EQ(after.find("d.f64")->dtype, DType::kBF16);
  std::vector<float> values(900 * 3000);
  to_float32(DType::kF32, before.mapped("b.f32"), values);
  std::vector<std::byte> expected(values.size() * 2);
  from_float32(DType::kBF16, values, expected);
  EXPECT_TRUE(std::ranges::equal(after.mapped("b.f32"), expected));
}

TEST(FolderConversion, WithoutATypeChangesTheShardsOnly) {
  const TempFolder folder;
  write_model(folder / "in", {{"dtype", "float32"}, {"quantization_config", {{"bits", 8}}}});
  convert(folder / "in", folder / "out", std::nullopt, 2, 1'000);
  const ModelFolder before(folder / "in");
  const ModelFolder after(folder / "out");
  EXPECT_EQ(after.config(), before.config());
  EXPECT_GT(after.shards().size(), 1U);
  for (const TensorInfo& tensor : before.tensors()) {
    EXPECT_EQ(after.find(tensor.name)->dtype, tensor.dtype);
    EXPECT_TRUE(std::ranges::equal(after.mapped(tensor.name), before.mapped(tensor.name))) << tensor.name;
  }
}

TEST(FolderConversion, AddsTheTypeToAConfigThatHasNone) {
  Json config{{"model_type", "llama"}};
  set_config_dtype(config, DType::kF16);
  EXPECT_EQ(config["dtype"], "float16");
}

TEST(FolderConversion, NamesTheValueThatFloat16CannotHoldAndLeavesNothing) {
  const TempFolder folder;
  write_model(folder / "in", Json::object(), 70000);
  EXPECT_THAT([&] { convert(folder / "in", folder / "out", DType::kF16); },
              ThrowsMessage<ValueError>(AllOf(HasSubstr("at index"), HasSubstr("65504"), HasSubstr("bfloat16"))));
  EXPECT_FALSE(fs::exists(folder / "out"));
  EXPECT_FALSE(fs::exists(folder / ".out.partial"));
}

TEST(FolderConversion, RefusesToRetypeQuantisedWeights) {
  const TempFolder folder;
  write_model(folder / "in", {{"quantization_config", {{"quant_method", "fp8"}}}});
  EXPECT_THAT([&] { convert(folder / "in", folder / "out", DType::kBF16); },
              ThrowsMessage<CheckpointError>(HasSubstr("quantization_config")));
}

TEST(CheckpointConversion, TellsWhatToDoWithInputsThatItDoesNotRead) {
  const TempFolder folder;
  const auto refused = [&](const fs::path& input) {
    try {
      convert(input, folder / "out");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  EXPECT_THAT(refused(folder.write("m/pytorch_model.bin", "x")), HasSubstr("save_file"));
  EXPECT_THAT(refused(folder.write("m/consolidated.00.pth", "x")), HasSubstr("save_file"));
  EXPECT_THAT(refused(folder.write("m/model.safetensors", "x")), HasSubstr("name its folder"));
  EXPECT_THAT(refused(folder.write("m/readme.txt", "x")), HasSubstr("neither a .gguf file nor a model folder"));
  EXPECT_THAT(refused(folder / "absent.gguf"), HasSubstr("absent.gguf"));
  EXPECT_THAT(refused(folder / "absent"), HasSubstr("absent"));
  folder.write("g/model.Q4_0.gguf", "x");
  EXPECT_THAT(refused(folder / "g"), HasSubstr("cambium convert"));
  EXPECT_FALSE(fs::exists(folder / "out"));
}

TEST(CheckpointConversion, RefusesTypesThatWeightsAreNotWrittenIn) {
  const TempFolder folder;
  EXPECT_THROW(convert(kGolden / "llama3.gguf", folder / "out", DType::kI8), UsageError);
  EXPECT_THROW(convert(kGolden / "llama3.gguf", folder / "out", DType::kF64), UsageError);
}

TEST(CheckpointConversion, DoesNotTouchAnOutputThatExists) {
  const TempFolder folder;
  folder.write("out/mine.txt", "keep");
  EXPECT_THROW(convert(kGolden / "llama3.gguf", folder / "out"), SystemError);
  EXPECT_EQ(files_in(folder / "out"), (std::map<std::string, std::string>{{"mine.txt", "keep"}}));
}

TEST(CheckpointConversion, SaysWhatToDoWithWhatAKilledRunLeft) {
  const TempFolder folder;
  folder.write(".out.partial/model.safetensors", "half");
  EXPECT_THAT([&] { convert(kGolden / "llama3.gguf", folder / "out"); },
              ThrowsMessage<SystemError>(AllOf(HasSubstr(".out.partial"), HasSubstr("remove that folder"))));
}

// Asks to stop after the first piece.
class StopAtOnce final : public Progress {
 public:
  void begin(std::string_view, std::uint64_t, std::string_view) override {}
  void advance(std::uint64_t) override { stop_ = true; }
  [[nodiscard]] bool stop_requested() const override { return stop_; }

 private:
  std::atomic<bool> stop_ = false;
};

TEST(CheckpointConversion, LeavesNothingWhenStopped) {
  const TempFolder folder;
  StopAtOnce progress;
  const ConversionOptions options{
      .input = (kGolden / "llama3.gguf").string(), .output = folder / "out", .dtype = std::nullopt};
  EXPECT_THROW((void)convert_checkpoint(options, progress), Interrupted);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace cambium::checkpoint
