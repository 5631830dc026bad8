#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/vocabulary.h"
#include "family/alignment.h"

namespace cambium::family {
namespace {

using checkpoint::Vocabulary;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Vocabulary vocabulary(const std::vector<std::string>& tokens) {
  nlohmann::json words = nlohmann::json::object();
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!tokens[id].empty()) words[tokens[id]] = id;
  }
  const nlohmann::json tokenizer = {
      {"added_tokens", nlohmann::json::array()},
      {"model", {{"type", "BPE"}, {"vocab", words}, {"merges", nlohmann::json::array()}}}};
  return Vocabulary::parse(tokenizer.dump(), "tokenizer.json");
}

TEST(VocabularyRows, ArePairedByTokenStringWhereverTheTokenMoved) {
  const Vocabulary base = vocabulary({"a", "b", "c"});
  const Vocabulary model = vocabulary({"<image>", "c", "a", "d"});
  const VocabularyRows rows = match_vocabularies(&base, 3, &model, 4);
  EXPECT_EQ(rows.rule, VocabularyRows::Rule::kToken);
  EXPECT_THAT(rows.model_row, ElementsAre(2, -1, 1));
  EXPECT_THAT(rows.base_row, ElementsAre(-1, 2, 0, -1));
  EXPECT_EQ(rows.shared_rows, 2);
  EXPECT_FALSE(rows.identity());
}

TEST(VocabularyRows, OfPaddingArePairedByIndexAndTellWhichTookANewToken) {
  const Vocabulary base = vocabulary({"a", "b"});              // rows 2, 3 are padding
  const Vocabulary model = vocabulary({"a", "b", "<image>"});  // took row 2; row 4 is its own
  const VocabularyRows rows = match_vocabularies(&base, 4, &model, 5);
  EXPECT_THAT(rows.model_row, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(rows.base_row, ElementsAre(0, 1, 2, 3, -1));
  EXPECT_EQ(rows.shared_rows, 4);
  EXPECT_EQ(rows.token_rows, 2);
  EXPECT_THAT(rows.new_token_rows, ElementsAre(2));
  EXPECT_TRUE(rows.identity());
}

TEST(VocabularyRows, WithoutATokenizerAreTheFirstOfBoth) {
  const Vocabulary base = vocabulary({"a", "b", "c"});
  const VocabularyRows rows = match_vocabularies(&base, 3, nullptr, 2);
  EXPECT_EQ(rows.rule, VocabularyRows::Rule::kIndex);
  EXPECT_THAT(rows.model_row, ElementsAre(0, 1, -1));
  EXPECT_EQ(rows.shared_rows, 2);
  EXPECT_EQ(rows.token_rows, 0);
  EXPECT_THAT(rows.new_token_rows, IsEmpty());
}

TEST(VocabularyRows, IgnoreTokensBeyondTheEmbedding) {
  const Vocabulary base = vocabulary({"a", "b"});
  const Vocabulary model = vocabulary({"x", "b", "a"});  // "a" has id 2, the embedding has two rows
  const VocabularyRows rows = match_vocabularies(&base, 2, &model, 2);
  EXPECT_THAT(rows.model_row, ElementsAre(-1, 1));
}

}  // namespace
}  // namespace cambium::family
