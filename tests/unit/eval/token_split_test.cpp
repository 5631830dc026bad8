// The rules of lm-evaluation-harness 0.4.13, with the byte-level tokenizer of tests/golden/lm_eval (a token a byte; it
// puts its beginning token in front by itself).
#include "eval/token_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tensor/error.h"

namespace cambium::eval {
namespace {

using testing::HasSubstr;
using testing::SizeIs;
using testing::ThrowsMessage;

constexpr text::TokenId kBos = 256;

class TokenSplitTest : public testing::Test {
 protected:
  [[nodiscard]] Tokens bytes(std::string_view text) const { return tokenizer_.ids(text, false); }
  [[nodiscard]] Tokens with_bos(std::string_view text) const {
    Tokens tokens = bytes(text);
    tokens.insert(tokens.begin(), kBos);
    return tokens;
  }
  const text::Tokenizer tokenizer_ =
      text::Tokenizer::from_folder(std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/lm_eval/tiny_llama");
  const TokenSplitter splitter_{tokenizer_};
};

TEST_F(TokenSplitTest, GivesTheContinuationWhatExceedsTheContextsTokens) {
  EXPECT_EQ(splitter_.split("Q: x\nA:", " Yes", 512), (TokenSplit{with_bos("Q: x\nA:"), bytes(" Yes")}));
}

TEST_F(TokenSplitTest, MovesTheContextsTrailingSpaceToTheContinuation) {
  EXPECT_EQ(splitter_.split("Answer: \n", "Yes", 512), (TokenSplit{with_bos("Answer:"), bytes(" \nYes")}));
  // A no-break space is white space to Python as well.
  EXPECT_EQ(splitter_.split("Answer:\u00A0", "Yes", 512), (TokenSplit{with_bos("Answer:"), bytes("\u00A0Yes")}));
}

TEST_F(TokenSplitTest, AddsNoSpecialTokensToATextThatBeginsWithThem) {
  EXPECT_EQ(splitter_.split("<|bos|>Q", " a", 512), (TokenSplit{with_bos("Q"), bytes(" a")}));
  EXPECT_EQ(splitter_.encode_prompt("<|bos|>Q", 512), with_bos("Q"));
}

TEST_F(TokenSplitTest, PutsTheBeginningTokenInFrontOfAnEmptyContext) {
  EXPECT_EQ(splitter_.split("", "Yes", 512), (TokenSplit{{kBos}, bytes("Yes")}));
  EXPECT_EQ(splitter_.split("", "<|bos|>Yes", 512), (TokenSplit{{kBos}, bytes("Yes")}));
}

TEST_F(TokenSplitTest, CutsOnTheLeftButNeverTheTokenThatIsOnlyScored) {
  // 4 tokens are read: three of the context and the first of the continuation; its last one is not.
  EXPECT_EQ(splitter_.split("abcdef", "xy", 4), (TokenSplit{bytes("def"), bytes("xy")}));
  EXPECT_EQ(splitter_.encode_prompt("abcdef", 2), bytes("ef"));
}

TEST_F(TokenSplitTest, RefusesContinuationsThatCannotBeScored) {
  EXPECT_THAT([&] { static_cast<void>(splitter_.split("abc", "", 8)); },
              ThrowsMessage<ValueError>(HasSubstr("no token")));
  EXPECT_THAT([&] { static_cast<void>(splitter_.split("abc", "123456789", 8)); },
              ThrowsMessage<ValueError>(HasSubstr("9 tokens")));
}

TEST_F(TokenSplitTest, RollsAWindowOverALongTextAndScoresEachTokenOnce) {
  // The tokenizer's own beginning token is scored too: <bos>abcdefghi has 10 tokens, windows of 4 predict 4 + 4 + 2.
  const std::vector<TokenSplit> windows = splitter_.windows("abcdefghi", 4);
  ASSERT_THAT(windows, SizeIs(3));
  EXPECT_EQ(windows[0], (TokenSplit{{kBos}, with_bos("abc")}));
  EXPECT_EQ(windows[1], (TokenSplit{bytes("c"), bytes("defg")}));
  EXPECT_EQ(windows[2], (TokenSplit{bytes("efg"), bytes("hi")}));
}

}  // namespace
}  // namespace cambium::eval
