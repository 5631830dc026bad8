#include "checkpoint/tokenizer_from_gguf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "checkpoint/gguf_file.h"
#include "checkpoint/gguf_pre_tokenizer.h"
#include "checkpoint/json.h"
#include "support/tiny_gguf.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using test::TinyGguf;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;

std::map<std::string, std::string> files_of(const TinyGguf& tiny, std::string architecture = "llama",
                                            std::string pre_tokenizer = "") {
  const test::GgufBytes bytes = tiny.bytes();
  const GgufHeader header = parse_gguf(bytes.bytes(), "tiny.gguf");
  return tokenizer_from_gguf(header.metadata, "tiny.gguf",
                             {.architecture = std::move(architecture),
                              .vocabulary = 64,
                              .context_length = 128,
                              .pre_tokenizer = std::move(pre_tokenizer)});
}

Json tokenizer_of(const TinyGguf& tiny, std::string architecture = "llama") {
  return Json::parse(files_of(tiny, std::move(architecture)).at("tokenizer.json"));
}

std::string refusal(const TinyGguf& tiny) {
  try {
    (void)files_of(tiny);
  } catch (const CheckpointError& error) {
    return error.what();
  }
  return "accepted";
}

TinyGguf sentence_piece() {
  TinyGguf tiny;
  tiny.texts = {{"tokenizer.ggml.model", "llama"}};
  tiny.tokens = {"<unk>", "<s>", "</s>", "<0x00>", "▁", "a", "▁a", "<tool>", "[PAD8]"};
  tiny.token_types = {2, 3, 3, 6, 1, 1, 1, 4, 5};
  tiny.scores = {0, 0, 0, 0, -3, -2, -1, -1000, -1000};
  tiny.merges = {};
  return tiny;
}

TEST(TokenizerFromGguf, MakesAByteLevelTokenizer) {
  const Json json = tokenizer_of(TinyGguf{});
  EXPECT_EQ(json["model"]["vocab"], Json::parse(R"({"a": 0, "<s>": 1, "</s>": 2, "b": 3, "ab": 4})"));
  EXPECT_EQ(json["model"]["merges"], Json::parse(R"([["a", "b"]])"));
  EXPECT_EQ(json["model"]["byte_fallback"], false);
  EXPECT_EQ(json["pre_tokenizer"]["type"], "ByteLevel");
  EXPECT_EQ(json["pre_tokenizer"]["use_regex"], true);
  EXPECT_EQ(json["added_tokens"].size(), 2U);
  EXPECT_EQ(json["added_tokens"][1]["content"], "</s>");
  EXPECT_EQ(json["added_tokens"][1]["special"], true);
  EXPECT_EQ(json["post_processor"]["type"], "ByteLevel") << "no bos is added";
}

TEST(TokenizerFromGguf, MakesASentencePieceTokenizer) {
  const Json json = tokenizer_of(sentence_piece());
  EXPECT_EQ(json["model"]["unk_token"], "<unk>");
  EXPECT_EQ(json["model"]["byte_fallback"], true);
  EXPECT_EQ(json["model"]["fuse_unk"], true);
  EXPECT_EQ(json["model"]["merges"], Json::parse(R"([["▁", "a"]])"));
  EXPECT_FALSE(json["model"]["vocab"].contains("[PAD8]")) << "a filler is no token";
  EXPECT_EQ(json["normalizer"]["normalizers"][0]["type"], "Prepend");
  EXPECT_EQ(json["decoder"]["decoders"].back()["type"], "Strip");
  EXPECT_EQ(json["post_processor"]["single"][0]["SpecialToken"]["id"], "<s>") << "bos unless the file says otherwise";
  EXPECT_EQ(json["post_processor"]["pair"].size(), 4U);
  const Json& added = json["added_tokens"];
  ASSERT_EQ(added.size(), 4U);
  EXPECT_EQ(added[0]["special"], true);
  EXPECT_EQ(added[3]["content"], "<tool>");
  EXPECT_EQ(added[3]["special"], false);
}

TEST(TokenizerFromGguf, MakesGemmasVariant) {
  TinyGguf tiny = sentence_piece();
  tiny.tokens = {"<pad>", "<eos>", "<bos>", "<unk>", "  ", "<0x09>", "▁", "\t\t"};
  tiny.token_types = {3, 3, 3, 2, 4, 6, 1, 4};
  tiny.scores = std::vector<float>(8, 0);
  tiny.integers.emplace_back("tokenizer.ggml.unknown_token_id", 3);
  const Json json = tokenizer_of(tiny, "gemma2");
  EXPECT_EQ(json["normalizer"]["type"], "Replace");
  EXPECT_EQ(json["pre_tokenizer"]["behavior"], "MergedWithPrevious");
  EXPECT_EQ(json["decoder"]["decoders"].size(), 3U);
  EXPECT_EQ(json["model"]["vocab"]["▁▁"], 4) << "a run of blanks is a piece again";
  EXPECT_EQ(json["model"]["vocab"]["\t"], 5);
  EXPECT_EQ(json["model"]["merges"], Json::parse(R"([["▁", "▁"], ["\t", "\t"]])"));
}

TEST(TokenizerFromGguf, OrdersMergesByIdWhereAllScoresAreTheSame) {
  TinyGguf tiny = sentence_piece();
  tiny.tokens = {"<unk>", "<s>", "</s>", "a", "b", "c", "bc", "ab"};
  tiny.token_types = {2, 3, 3, 1, 1, 1, 1, 1};
  tiny.scores = std::vector<float>(8, -1000);
  EXPECT_EQ(tokenizer_of(tiny)["model"]["merges"], Json::parse(R"([["b", "c"], ["a", "b"]])"));
}

TEST(TokenizerFromGguf, CutsTextAsTheNamedPreTokenizerDoes) {
  TinyGguf tiny;
  tiny.texts[1].second = "smollm";
  Json json = tokenizer_of(tiny);
  EXPECT_EQ(json["pre_tokenizer"]["pretokenizers"][0]["type"], "Digits");
  tiny.texts[1].second = "llama-bpe";
  json = tokenizer_of(tiny);
  EXPECT_EQ(json["model"]["ignore_merges"], true);
  EXPECT_EQ(json["post_processor"]["processors"][1]["single"][0]["SpecialToken"]["id"], "<s>");
  tiny.texts[1].second = "qwen2";
  json = tokenizer_of(tiny);
  EXPECT_EQ(json["normalizer"]["type"], "NFC");
  EXPECT_THAT(json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"].get<std::string>(),
              HasSubstr("|\\p{N}| ?"));
}

TEST(TokenizerFromGguf, AsksForThePreTokenizerWhereTheFileDoesNotTell) {
  TinyGguf tiny;
  tiny.texts[1].second = "default";
  EXPECT_THAT(refusal(tiny), AllOf(HasSubstr("--pre-tokenizer"), HasSubstr("qwen2"), HasSubstr("smollm")));
  EXPECT_EQ(files_of(tiny, "llama", "gpt-2").count("tokenizer.json"), 1U);
  EXPECT_EQ(tokenizer_of(tiny, "qwen2")["normalizer"]["type"], "NFC") << "the architecture tells";
  tiny.texts[1].second = "made-up";
  EXPECT_THAT(refusal(tiny), HasSubstr("'made-up'"));
}

TEST(TokenizerFromGguf, KnowsEveryNameInItsTable) {
  for (const std::string_view name : gguf_pre_tokenizer_names()) {
    EXPECT_TRUE(gguf_pre_tokenizer(name).pre_tokenizer.is_object()) << name;
  }
}

TEST(TokenizerFromGguf, WritesTemplatesAndSpecialTokens) {
  TinyGguf tiny;
  tiny.texts.emplace_back("tokenizer.chat_template", "{{ messages }}\n");
  const auto files = files_of(tiny);
  EXPECT_EQ(files.at("chat_template.jinja"), "{{ messages }}\n");
  const Json config = Json::parse(files.at("tokenizer_config.json"));
  EXPECT_EQ(config["bos_token"], "<s>");
  EXPECT_EQ(config["eos_token"], "</s>");
  EXPECT_EQ(config["model_max_length"], 128);
  EXPECT_FALSE(config.contains("pad_token"));
  EXPECT_FALSE(Json::parse(files_of(tiny, "qwen2").at("tokenizer_config.json")).contains("bos_token"));
}

TEST(TokenizerFromGguf, GivesBackTheOriginalIfTheFileCarriesIt) {
  TinyGguf tiny;
  tiny.texts.emplace_back("tokenizer.huggingface.json", R"({"version": "1.0"})");
  EXPECT_EQ(files_of(tiny).at("tokenizer.json"), R"({"version": "1.0"})");
  tiny.texts.back().second = "[1]";
  EXPECT_THAT(refusal(tiny), HasSubstr("tokenizer.huggingface.json"));
}

TEST(TokenizerFromGguf, RefusesVocabulariesThatDoNotFitTogether) {
  TinyGguf kind;
  kind.texts[0].second = "bert";
  EXPECT_THAT(refusal(kind), AllOf(HasSubstr("'bert'"), HasSubstr("gpt2"), HasSubstr("llama")));
  TinyGguf none;
  none.tokens = {};
  none.token_types = {};
  EXPECT_THAT(refusal(none), HasSubstr("has no tokenizer"));
  TinyGguf types;
  types.token_types.pop_back();
  EXPECT_THAT(refusal(types), AllOf(HasSubstr("token_type"), HasSubstr("4 values"), HasSubstr("5 tokens")));
  TinyGguf type;
  type.token_types[0] = 9;
  EXPECT_THAT(refusal(type), HasSubstr("token 0 is of type 9"));
  TinyGguf twice;
  twice.tokens[3] = "a";
  EXPECT_THAT(refusal(twice), HasSubstr("tokens 0 and 3 have the same text"));
  TinyGguf broken;
  broken.tokens[3] = "\xFF";
  EXPECT_THAT(refusal(broken), HasSubstr("token 3 is not UTF-8"));
  TinyGguf merge;
  merge.merges = {"a x"};
  EXPECT_THAT(refusal(merge), HasSubstr("merge 0"));
  TinyGguf no_merges;
  no_merges.merges = {};
  EXPECT_THAT(refusal(no_merges), HasSubstr("tokenizer.ggml.merges"));
  TinyGguf bos;
  bos.texts[1].second = "llama-bpe";
  bos.integers.erase(bos.integers.end() - 2);
  EXPECT_THAT(refusal(bos), HasSubstr("tokenizer.ggml.bos_token_id"));
  TinyGguf scores = sentence_piece();
  scores.scores.clear();
  EXPECT_THAT(refusal(scores), HasSubstr("tokenizer.ggml.scores"));
}

TEST(TokenizerFromGguf, RefusesMoreTokensThanTheEmbeddingHasRows) {
  const test::GgufBytes bytes = TinyGguf{}.bytes();
  const GgufHeader header = parse_gguf(bytes.bytes(), "tiny.gguf");
  EXPECT_THROW((void)tokenizer_from_gguf(header.metadata, "tiny.gguf", {.architecture = "llama", .vocabulary = 4}),
               CheckpointError);
}

}  // namespace
}  // namespace cambium::checkpoint
