#include "lab/tokenizer_training.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"
#include "text/tokenizer.h"

namespace cambium::lab {
namespace {

using testing::ElementsAre;
using testing::Pair;

// "aab aab aac": pairs a+a 3 ( twice behind a blank), so the first merge is "aa"; then " "+"aa" and "aa"+"b" occur
// twice.
TEST(LearnVocabulary, MergesTheMostFrequentPairAndTheFirstOneOfEquals) {
  const LearnedVocabulary learned = learn_vocabulary({"aab aab aac"}, {"<end>"}, 257 + 2);
  EXPECT_THAT(learned.merges, ElementsAre(Pair("a", "a"), Pair("\xc4\xa0", "aa")));
}

TEST(LearnVocabulary, StopsWhenNoPairOccursTwice) { EXPECT_EQ(learn_vocabulary({"ab"}, {}, 1000).tokens.size(), 256U); }

TEST(LearnVocabulary, RefusesASizeBelowTheBytes) {
  EXPECT_THROW(static_cast<void>(learn_vocabulary({"ab"}, {"<end>"}, 256)), ValueError);
}

TEST(TokenizerJson, GivesBackAnyTextAndKeepsSpecialTokensAndDigitsApart) {
  const LearnedVocabulary learned =
      learn_vocabulary({"the cat saw 1234 cats, the cats saw the cat. 1234 1234"}, {"<pad>", "<end>"}, 300);
  const text::Tokenizer tokenizer = text::Tokenizer::from_json(tokenizer_json(learned), "tokenizer.json");
  const std::string words = "the cat saw 1234 \xc3\xa9t\xc3\xa9\n  x<end>";
  const auto ids = tokenizer.encode(words).ids;
  EXPECT_EQ(tokenizer.decode(ids), words);
  EXPECT_EQ(ids.back(), 1);
  const auto digits = tokenizer.encode("1234").ids;
  EXPECT_EQ(digits.size(), 4U);
}

}  // namespace
}  // namespace cambium::lab
