#include "checkpoint/vocabulary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

using testing::HasSubstr;
using testing::Optional;
using testing::ThrowsMessage;

void expect_refused(const std::string& text, const std::string& what) {
  EXPECT_THAT([&] { return Vocabulary::parse(text, "tokenizer.json"); },
              ThrowsMessage<CheckpointError>(HasSubstr(what)))
      << text;
}

TEST(Vocabulary, ReadsBpeWithAddedTokensAndGaps) {
  const Vocabulary v = Vocabulary::parse(
      R"({"version":"1.0","added_tokens":[{"id":5,"content":"<image>","special":true,"lstrip":false},{"id":1,"content":"b","special":false}],
          "normalizer":{"type":"Sequence","normalizers":[{"vocab":{"no":9}}]},
          "model":{"type":"BPE","unk_token":null,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b",["a","b"]]}})",
      "t");
  EXPECT_EQ(v.size(), 6);
  EXPECT_THAT(v.token(2), Optional(std::string_view("ab")));
  EXPECT_EQ(v.token(3), std::nullopt);
  EXPECT_EQ(v.token(-1), std::nullopt);
  EXPECT_EQ(v.token(6), std::nullopt);
  EXPECT_EQ(v.id("<image>"), 5);
  EXPECT_EQ(v.id("no"), std::nullopt);
  ASSERT_EQ(v.added().size(), 2U);
  EXPECT_EQ(v.added()[0].token, "<image>");
  EXPECT_TRUE(v.added()[0].special);
  EXPECT_FALSE(v.added()[1].special);
}

TEST(Vocabulary, ReadsUnigramLists) {
  const Vocabulary v = Vocabulary::parse(
      R"({"added_tokens":[],"model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0.0],["x",-1.5]]}})", "t");
  EXPECT_EQ(v.size(), 2);
  EXPECT_EQ(v.id("x"), 1);
}

TEST(Vocabulary, AnAddedTokenWinsOverTheSameStringInTheVocabulary) {
  const Vocabulary v = Vocabulary::parse(
      R"({"added_tokens":[{"id":3,"content":"a","special":false}],"model":{"vocab":{"a":0,"b":1}}})", "t");
  EXPECT_EQ(v.id("a"), 3);
  EXPECT_THAT(v.token(0), Optional(std::string_view("a")));
}

TEST(Vocabulary, IsNothingWithoutTheFile) {
  const testing_support::TempFolder folder;
  EXPECT_EQ(Vocabulary::read(folder.path()), std::nullopt);
  folder.write("tokenizer.json", R"({"model":{"vocab":{"a":0}}})");
  EXPECT_EQ(Vocabulary::read(folder.path())->size(), 1);
}

TEST(Vocabulary, RefusesWhatIsNoTokenizer) {
  expect_refused("{}", "no model.vocab");
  expect_refused("[]", "holds a list");
  expect_refused("7", "single value");
  expect_refused(R"({"model":{"vocab":7}})", "model.vocab is an integer");
  expect_refused(R"({"model":{"vocab":{"a":"0"}}})", "the id of 'a' is a string");
  expect_refused(R"({"model":{"vocab":{"a":-1}}})", "the id of 'a' is -1");
  expect_refused(R"({"model":{"vocab":{"a":99999999999}}})", "the id of 'a' is 99999999999");
  expect_refused(R"({"model":{"vocab":{"a":[0]}}})", "neither tokens nor");
  expect_refused(R"({"model":{"vocab":[["a",0],7]}})", "an integer in it");
  expect_refused(R"({"model":{"vocab":[[7,0]]}})", "entry 0 begins with an integer");
  expect_refused(R"({"model":{"vocab":{"a":0,"b":0}}})", "'a' and 'b' have the same id 0");
  expect_refused(R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":0,"content":"b"}]})", "have the same id 0");
  expect_refused(R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1}]})", "lacks its id or content");
  expect_refused(R"({"model":{"vocab":{"a":0}},"added_tokens":[7]})", "added_tokens has an integer");
  expect_refused(R"({"model":{"vocab":{"a":0}},"added_tokens":[[]]})", "added_tokens has a list");
  expect_refused(R"({"model":{"vocab":{"a":0}},"added_tokens":[{"id":1,"content":"b","special":"yes"}]})",
                 "special is a string");
}

}  // namespace
}  // namespace cambium::checkpoint
