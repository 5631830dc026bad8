#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"
#include "tensor/workers.h"

namespace cambium::text {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

/// Byte-pair encoding over characters with two merges; "ab" joins before "bc".
Tokenizer small_bpe() {
  return Tokenizer::from_json(R"({"version": "1.0", "added_tokens": [{"id": 5, "content": "<s>", "special": true}],
    "post_processor": {"type": "TemplateProcessing",
       "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
       "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}}],
       "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}},
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "bc": 4}, "merges": ["a b", ["b", "c"]]}})",
                              "small.json");
}

TEST(Tokenizer, JoinsThePairOfTheLowestRankFirst) {
  const Encoding encoding = small_bpe().encode("abcbc", {.add_special = false});
  EXPECT_THAT(encoding.ids, ElementsAre(3, 2, 4));
  EXPECT_THAT(encoding.offsets, ElementsAre(Offset{0, 2}, Offset{2, 3}, Offset{3, 5}));
}

TEST(Tokenizer, PutsTheTemplatesTokensAroundTexts) {
  const Tokenizer tokenizer = small_bpe();
  EXPECT_THAT(tokenizer.encode("ab").ids, ElementsAre(5, 3));
  EXPECT_THAT(tokenizer.encode("ab").is_special, ElementsAre(1, 0));
  EXPECT_THAT(tokenizer.prefix(), ElementsAre(5));
  EXPECT_THAT(tokenizer.suffix(), ElementsAre());
  const Encoding pair = tokenizer.encode_pair("a", "bc", {});
  EXPECT_THAT(pair.ids, ElementsAre(5, 0, 4));
  EXPECT_THAT(pair.type_ids, ElementsAre(0, 0, 1));
}

TEST(Tokenizer, CutsAddedTokensOutOfTheText) { EXPECT_THAT(small_bpe().ids("a<s>b", false), ElementsAre(0, 5, 1)); }

TEST(Tokenizer, NamesAModelKindThatItDoesNotKnow) {
  EXPECT_THAT([] { (void)Tokenizer::from_json(R"({"model": {"type": "Bytes"}})", "new.json"); },
              ThrowsMessage<CheckpointError>(AllOf(HasSubstr("new.json"), HasSubstr("Bytes"), HasSubstr("WordPiece"))));
}

TEST(Tokenizer, RefusesTextThatIsNotUtf8) {
  EXPECT_THAT([] { (void)small_bpe().encode("ab\xC3"); },
              ThrowsMessage<ValueError>(AllOf(HasSubstr("UTF-8"), HasSubstr("byte 2"))));
}

TEST(Tokenizer, BatchesComeInTheOrderOfTheTexts) {
  const std::vector<std::string> texts{"a", "", "bc", "ab"};
  Workers workers(2);
  const std::vector<Encoding> encodings = small_bpe().encode_batch(texts, {.add_special = false}, workers);
  ASSERT_EQ(encodings.size(), 4U);
  EXPECT_THAT(encodings[0].ids, ElementsAre(0));
  EXPECT_THAT(encodings[1].ids, ElementsAre());
  EXPECT_THAT(encodings[2].ids, ElementsAre(4));
  EXPECT_THAT(encodings[3].ids, ElementsAre(3));
}

}  // namespace
}  // namespace cambium::text
