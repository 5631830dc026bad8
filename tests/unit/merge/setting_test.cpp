#include "merge/setting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

using ::testing::HasSubstr;
using ::testing::Optional;
using ::testing::ThrowsMessage;

const ParameterInfo kWeight{.name = "weight"};
const ParameterInfo kSwitch{.name = "normalize", .kind = ParameterKind::kBoolean};

Setting::Entry entry(std::vector<std::string> values, std::optional<std::string> filter = std::nullopt) {
  Setting::Entry made;
  made.values = std::move(values);
  made.filter = std::move(filter);
  made.line = 7;
  return made;
}

Setting setting(std::vector<Setting::Entry> entries) {
  Setting made;
  made.entries = std::move(entries);
  made.source = "r.yml";
  return made;
}

// Three points over t: 0 at 0, 0.5 at 0.5, 1 at 1.
TEST(Setting, GradientIsLinearBetweenItsPoints) {
  const Setting gradient = setting({entry({"0", "0.5", "1.5"})});
  EXPECT_THAT(gradient.evaluate(kWeight, {"x"}, 0.0), Optional(0.0));
  EXPECT_THAT(gradient.evaluate(kWeight, {"x"}, 0.25), Optional(0.25));
  EXPECT_THAT(gradient.evaluate(kWeight, {"x"}, 0.5), Optional(0.5));
  EXPECT_THAT(gradient.evaluate(kWeight, {"x"}, 0.75), Optional(1.0));
  EXPECT_THAT(gradient.evaluate(kWeight, {"x"}, 1.0), Optional(1.5));
}

TEST(Setting, GradientOfSwitchesPicksThePointBefore) {
  const Setting gradient = setting({entry({"false", "true", "false"})});
  EXPECT_THAT(gradient.evaluate(kSwitch, {"x"}, 0.49), Optional(0.0));
  EXPECT_THAT(gradient.evaluate(kSwitch, {"x"}, 0.5), Optional(1.0));
  EXPECT_THAT(gradient.evaluate(kSwitch, {"x"}, 1.0), Optional(0.0));
}

TEST(Setting, FirstFilterThatFitsDecides) {
  const Setting filtered = setting({entry({"1"}, "attn"), entry({"2"}, "q_proj"), entry({"3"}, "*")});
  EXPECT_THAT(filtered.evaluate(kWeight, {"layers.0.self_attn.q_proj.weight"}, 0), Optional(1.0));
  EXPECT_THAT(filtered.evaluate(kWeight, {"layers.0.mlp.up_proj.weight"}, 0), Optional(3.0));
}

TEST(Setting, NoFittingFilterLeavesTheQuestionToTheNextLevel) {
  EXPECT_EQ(setting({entry({"1"}, "attn")}).evaluate(kWeight, {"lm_head.weight"}, 0), std::nullopt);
  EXPECT_EQ(setting({}).evaluate(kWeight, {"lm_head.weight"}, 0), std::nullopt);
}

TEST(Setting, WordsAreNumbersAndSwitchesInAllTheirSpellings) {
  EXPECT_THAT(number_from_word("1e-9", ParameterKind::kNumber), Optional(1e-9));
  EXPECT_THAT(number_from_word("+.5", ParameterKind::kNumber), Optional(0.5));
  EXPECT_THAT(number_from_word("Yes", ParameterKind::kBoolean), Optional(1.0));
  EXPECT_THAT(number_from_word("off", ParameterKind::kBoolean), Optional(0.0));
  for (const char* word : {"", "1.0x", "nan", "inf", "one"}) {
    EXPECT_EQ(number_from_word(word, ParameterKind::kNumber), std::nullopt) << word;
  }
  EXPECT_EQ(number_from_word("2", ParameterKind::kBoolean), std::nullopt);
}

TEST(Setting, WrongWordNamesLineParameterAndWord) {
  EXPECT_THAT([] { setting({entry({"much"})}).check(kWeight); },
              ThrowsMessage<RecipeError>(
                  testing::AllOf(HasSubstr("r.yml line 7"), HasSubstr("'much'"), HasSubstr("'weight'"))));
}

TEST(Setting, SelectionByHeadNeedsAHead) {
  Setting by_head = setting({entry({"1"})});
  by_head.entries[0].where = Selector::parse("heads:0-1", "r.yml");
  EXPECT_TRUE(by_head.asks_for_heads());
  EXPECT_THAT(by_head.evaluate(kWeight, {"q", nullptr, 1}, 0), Optional(1.0));
  EXPECT_EQ(by_head.evaluate(kWeight, {"q", nullptr, 2}, 0), std::nullopt);
  EXPECT_EQ(by_head.evaluate(kWeight, {"q"}, 0), std::nullopt);
}

}  // namespace
}  // namespace cambium::merge
