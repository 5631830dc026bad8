#include "merge/selector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

using family::Part;
using family::Role;
using family::TensorRole;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TensorRole role_of(Role role, int layer, Part part = Part::kLanguage) {
  TensorRole made;
  made.name = "model.layers.3.self_attn.q_proj.weight";
  made.role = role;
  made.layer = layer;
  made.part = part;
  return made;
}

bool picks(std::string_view text, const TensorRole& role) {
  return Selector::parse(text, "r.yml").matches({role.name, &role, std::nullopt});
}

TEST(Selector, TermsMustAllHold) {
  const TensorRole query = role_of(Role::kQuery, 3);
  EXPECT_TRUE(picks("role:query layers:0-3", query));
  EXPECT_FALSE(picks("role:query layers:0-2", query));
  EXPECT_FALSE(picks("role:key layers:0-3", query));
  EXPECT_TRUE(picks("layers:0,2-5 self_attn", query));
}

TEST(Selector, KnowsLlamasWordsForRoles) {
  EXPECT_TRUE(picks("role:q_proj,down_proj", role_of(Role::kDown, 0)));
  EXPECT_FALSE(picks("role:q_proj,down_proj", role_of(Role::kUp, 0)));
}

TEST(Selector, ModulesAreGroupsOfRoles) {
  EXPECT_TRUE(picks("module:attention", role_of(Role::kAttentionOutput, 1)));
  EXPECT_TRUE(picks("module:norm", role_of(Role::kFinalNorm, -1)));
  EXPECT_FALSE(picks("module:mlp", role_of(Role::kTower, 1, Part::kVisionTower)));
  EXPECT_TRUE(picks("part:vision_tower", role_of(Role::kTower, 1, Part::kVisionTower)));
}

TEST(Selector, TensorWithoutALayerIsInNoRangeOfLayers) {
  EXPECT_FALSE(picks("layers:0-99", role_of(Role::kFinalNorm, -1)));
}

TEST(Selector, PatternFitsTheWholeNameAndLettersAnyPart) {
  const TensorRole query = role_of(Role::kQuery, 3);
  EXPECT_TRUE(picks("model.*.q_proj.?eight", query));
  EXPECT_FALSE(picks("layers.*.q_proj", query));
  EXPECT_TRUE(picks("layers.3.", query));
}

TEST(Selector, PatternOfManyStarsTakesNoLongTime) {
  TensorRole role = role_of(Role::kOther, -1);
  role.name = std::string(20000, 'a');
  std::string pattern;
  for (int i = 0; i < 40; ++i) pattern += "*a";
  EXPECT_FALSE(picks(pattern + "*b", role));
}

TEST(Selector, RefusesWhatItDoesNotKnowAndSaysWhatItDoes) {
  EXPECT_THAT([] { return Selector::parse("rule:query", "r.yml line 2"); },
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("r.yml line 2"), HasSubstr("'rule'"), HasSubstr("role"))));
  EXPECT_THAT([] { return Selector::parse("role:querry", "r"); }, ThrowsMessage<RecipeError>(HasSubstr("query")));
  EXPECT_THAT([] { return Selector::parse("layers:7-3", "r"); }, ThrowsMessage<RecipeError>(HasSubstr("backwards")));
  EXPECT_THAT([] { return Selector::parse("layers:x", "r"); }, ThrowsMessage<RecipeError>(HasSubstr("number")));
  EXPECT_THAT([] { return Selector::parse("  ", "r"); }, ThrowsMessage<RecipeError>(HasSubstr("empty")));
}

}  // namespace
}  // namespace cambium::merge
