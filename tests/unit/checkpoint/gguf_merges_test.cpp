#include "checkpoint/gguf_merges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cambium::checkpoint {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(GgufMerges, JoinEveryPairThatMakesATokenBestScoreFirst) {
  const std::vector<ScoredToken> tokens{{"a", 0, -9},  {"b", 1, -9},  {"c", 2, -9},
                                        {"ab", 3, -2}, {"bc", 4, -1}, {"abc", 5, -3}};
  EXPECT_THAT(merges_from_scores(tokens),
              ElementsAre(Pair("b", "c"), Pair("a", "b"), Pair("a", "bc"), Pair("ab", "c")));
}

TEST(GgufMerges, TakeTheLowerIdFirstWhereScoresAreEqual) {
  const std::vector<ScoredToken> tokens{{"a", 0, 0}, {"b", 1, 0}, {"ba", 2, -1}, {"ab", 3, -1}};
  EXPECT_THAT(merges_from_scores(tokens), ElementsAre(Pair("b", "a"), Pair("a", "b")));
}

TEST(GgufMerges, NeitherMakeNorUseTokensThatAreNoText) {
  const std::vector<ScoredToken> tokens{{"<", 0, 0}, {"s>", 1, 0}, {"<s>", 2, 0, false}, {"<s>x", 3, 0}, {"x", 4, 0}};
  EXPECT_TRUE(merges_from_scores(tokens).empty());
}

TEST(GgufMerges, CutBetweenCharactersOnly) {
  const std::vector<ScoredToken> tokens{{"\xC3", 0, 0}, {"\xA9", 1, 0}, {"é", 2, 0}, {"éé", 3, 0}};
  EXPECT_THAT(merges_from_scores(tokens), ElementsAre(Pair("é", "é")));
}

}  // namespace
}  // namespace cambium::checkpoint
