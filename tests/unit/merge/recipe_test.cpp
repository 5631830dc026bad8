#include "merge/recipe.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/error.h"

namespace cambium::merge {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::ThrowsMessage;

Recipe parse(std::string_view text, const std::vector<Override>& overrides = {}) {
  return parse_recipe(text, "r.yml", overrides);
}

testing::AssertionResult refuses(std::string_view text, const testing::Matcher<const std::string&>& message) {
  try {
    static_cast<void>(parse(text));
  } catch (const RecipeError& error) {
    return message.Matches(error.what()) ? testing::AssertionSuccess() : testing::AssertionFailure() << error.what();
  }
  return testing::AssertionFailure() << "accepted: " << text;
}

constexpr std::string_view kLinear = R"(merge_method: linear
models:
- model: a
  parameters: {weight: 0.5}
- model: org/b@main+c
  parameters:
    weight: [0, 1]
dtype: torch.bfloat16
)";

TEST(Recipe, ReadsModelsAdaptersAndTypes) {
  const Recipe recipe = parse(kLinear);
  ASSERT_THAT(recipe.modules, SizeIs(1));
  ASSERT_THAT(recipe.modules[0].models, SizeIs(2));
  EXPECT_EQ(recipe.modules[0].models[1].model.model, "org/b@main");
  EXPECT_EQ(recipe.modules[0].models[1].model.adapter, "c");
  EXPECT_EQ(recipe.modules[0].models[1].model.text(), "org/b@main+c");
  EXPECT_EQ(recipe.dtype, DType::kBF16);
  EXPECT_EQ(recipe.text, kLinear);
}

TEST(Recipe, UnknownKeyNamesItsLineAndTheNearestKnownOne) {
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: [{model: a}]\nbase_modle: b\n",
                      AllOf(HasSubstr("r.yml line 3"), HasSubstr("base_modle"), HasSubstr("base_model"))));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels:\n- model: a\n  paramters: {weight: 1}\n",
                      AllOf(HasSubstr("line 4"), HasSubstr("'parameters'"))));
  EXPECT_TRUE(refuses("merge_method: slerp\nslices:\n- sources: [{model: a, layer_rang: [0, 1]}]\n",
                      HasSubstr("'layer_range'")));
}

TEST(Recipe, UnknownMethodAndParameterAreAnsweredWithTheNearest) {
  EXPECT_TRUE(refuses("merge_method: tise\nmodels: [{model: a}]\n", AllOf(HasSubstr("line 1"), HasSubstr("'ties'"))));
  EXPECT_TRUE(refuses("merge_method: ties\nmodels: [{model: a, parameters: {wieght: 1}}]\n",
                      AllOf(HasSubstr("wieght"), HasSubstr("'weight'"))));
}

TEST(Recipe, ParameterOfAnotherMethodIsPointedOut) {
  const Recipe recipe = parse("merge_method: linear\nmodels: [{model: a}]\nparameters: {int8_mask: true}\n");
  EXPECT_THAT(recipe.notes, ElementsAre(AllOf(HasSubstr("int8_mask"), HasSubstr("linear"))));
  EXPECT_THAT(parse(kLinear).notes, IsEmpty());
}

TEST(Recipe, WantsExactlyOneOfModelsSlicesAndModules) {
  EXPECT_TRUE(refuses("merge_method: linear\n", HasSubstr("exactly one")));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: [{model: a}]\nmodules: {default: {models: [{model: a}]}}\n",
                      HasSubstr("exactly one")));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: []\n", HasSubstr("exactly one")));
}

TEST(Recipe, WordsOfTheWrongKindAreRefusedWithTheirLine) {
  EXPECT_TRUE(refuses("merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: heavy}\n",
                      AllOf(HasSubstr("line 4"), HasSubstr("'heavy'"))));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: [{model: a}]\ndtype: int4\n",
                      AllOf(HasSubstr("int4"), HasSubstr("bfloat16"))));
  EXPECT_TRUE(refuses("merge_method: passthrough\nslices: [{sources: [{model: a, layer_range: [2, 2]}]}]\n",
                      HasSubstr("no layer")));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: [{model: a, parameters: {weight: [1, {value: 2}]}}]\n",
                      HasSubstr("mixes")));
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: a\n", HasSubstr("list")));
  EXPECT_TRUE(refuses("- 1\n", HasSubstr("map")));
}

TEST(Recipe, KeyGivenTwiceIsRefused) {
  EXPECT_TRUE(
      refuses("merge_method: linear\nmodels: [{model: a}]\ndtype: float32\ndtype: bfloat16\n", HasSubstr("twice")));
}

TEST(Recipe, BothTokenizerKeysAreRefused) {
  EXPECT_TRUE(refuses("merge_method: linear\nmodels: [{model: a}]\ntokenizer_source: base\ntokenizer: {source: base}\n",
                      HasSubstr("both")));
}

TEST(Recipe, ReadsTheTokensOfATokenizer) {
  const Recipe recipe = parse(R"(merge_method: linear
models: [{model: a}]
tokenizer:
  source: union
  pad_to_multiple_of: 64
  tokens:
    "<x>": {source: b, force: true}
    "<y>": {source: {kind: model_token, model: a, token_id: 5}}
    "<z>": {source: {kind: zero}}
)");
  ASSERT_THAT(recipe.tokenizer->tokens, SizeIs(3));
  EXPECT_EQ(recipe.tokenizer->tokens[0].second.kind, TokenSpec::Kind::kModel);
  EXPECT_TRUE(recipe.tokenizer->tokens[0].second.force);
  EXPECT_EQ(recipe.tokenizer->tokens[1].second.token_id, 5);
  EXPECT_EQ(recipe.tokenizer->tokens[2].second.kind, TokenSpec::Kind::kZero);
}

TEST(Recipe, AnchorsAndMergeKeysAreTakenAsYamlHasThem) {
  const Recipe recipe = parse(R"(merge_method: ties
base_model: b
models:
- &one {model: a, parameters: {weight: 1, density: 0.5}}
- <<: *one
  model: c
)");
  ASSERT_THAT(recipe.modules[0].models, SizeIs(2));
  EXPECT_EQ(recipe.modules[0].models[1].model.model, "c");
  EXPECT_TRUE(recipe.modules[0].models[1].parameters.contains("density"));
}

TEST(Recipe, OverrideChangesAValueAndMakesWhatIsMissing) {
  const Recipe recipe =
      parse(kLinear, {parse_override("models.0.parameters.weight=0.25"), parse_override("parameters.normalize=false")});
  EXPECT_EQ(recipe.modules[0].models[0].parameters.at("weight").entries[0].values[0], "0.25");
  EXPECT_TRUE(recipe.parameters.contains("normalize"));
  EXPECT_THAT(recipe.text, HasSubstr("0.25"));
}

TEST(Recipe, OverrideThatLeadsNowhereIsRefused) {
  EXPECT_THAT([] { parse(kLinear, {{"models.2.model", "x"}}); }, ThrowsMessage<UsageError>(HasSubstr("below 2")));
  EXPECT_THAT([] { parse(kLinear, {{"dtype.x", "1"}}); }, ThrowsMessage<UsageError>(HasSubstr("single value")));
  EXPECT_THAT(
      [] {
        parse(kLinear, {{"paramters.x", "1"}});
      },
      ThrowsMessage<RecipeError>(AllOf(HasSubstr("--set"), HasSubstr("parameters"))));
  EXPECT_THAT([] { return parse_override("alpha"); }, ThrowsMessage<UsageError>(HasSubstr("PATH=VALUE")));
}

TEST(Recipe, EarlierDocumentsCanBeNamedAsModels) {
  const Recipe recipe =
      parse(fmt::format("name: first\n{}---\nmerge_method: linear\nmodels: [{{model: first}}]\n", kLinear));
  ASSERT_TRUE(recipe.documents.contains("first"));
  EXPECT_EQ(recipe.documents.at("first")->method, "linear");
  EXPECT_TRUE(
      refuses(fmt::format("{}---\nmerge_method: linear\nmodels: [{{model: a}}]\n", kLinear), HasSubstr("no name")));
}

TEST(Recipe, AliasesThatUnfoldWithoutEndAreRefused) {
  std::string text = "merge_method: linear\nmodels:\n- model: a\n  parameters: {weight: &p [";
  for (int i = 0; i < 2000; ++i) text += "1, ";
  text += "1]}\n";
  for (int i = 0; i < 1000; ++i) text += fmt::format("- {{model: m{}, parameters: {{weight: *p}}}}\n", i);
  EXPECT_TRUE(refuses(text, HasSubstr("million")));
}

TEST(Recipe, DeepNestingIsRefused) { EXPECT_TRUE(refuses(std::string(100000, '['), HasSubstr("YAML"))); }

TEST(Recipe, EveryModelIsListedOnceBaseFirst) {
  const Recipe recipe =
      parse("merge_method: slerp\nbase_model: b\nmodels: [{model: a}, {model: b}]\nparameters: {t: 0.5}\n");
  EXPECT_THAT(recipe.models(), ElementsAre(ModelReference{"b", {}}, ModelReference{"a", {}}));
}

TEST(Recipe, OwnKeysAreRead) {
  const Recipe recipe = parse(R"(merge_method: shift_softmax
base_model: llm
models: [{model: image}, {model: video}]
granularity: head
emit: [image, video]
embeddings: model
only: "module:attention"
except: ["layers:0", norm]
seed: 42
)");
  EXPECT_EQ(recipe.granularity, Granularity::kHead);
  EXPECT_EQ(recipe.emit.kind, EmitSpec::Kind::kModels);
  EXPECT_THAT(recipe.except, SizeIs(2));
  EXPECT_EQ(recipe.seed, 42U);
  EXPECT_TRUE(refuses("merge_method: ties\nmodels: [{model: a}]\nscope: model\n", HasSubstr("recover")));
  EXPECT_TRUE(refuses("merge_method: recover\nmodels: [{model: a}]\nscope: modell\n", HasSubstr("'model'")));
}

TEST(Recipe, AllowsAlphaOutsideOfItsRangeAndSaysSo) {
  const std::string_view recipe = "merge_method: recover\nbase_model: a\nmodels: [{model: b}]\nparameters: {alpha: ";
  EXPECT_THAT(parse(fmt::format("{}1}}\n", recipe)).notes, IsEmpty());
  EXPECT_THAT(parse(fmt::format("{}1.5}}\n", recipe)).notes,
              ElementsAre(AllOf(HasSubstr("line 4"), HasSubstr("alpha 1.5"), HasSubstr("0..1"))));
  EXPECT_THAT(parse(fmt::format("{}[0, -0.1]}}\n", recipe)).notes, ElementsAre(HasSubstr("alpha -0.1")));
}

}  // namespace
}  // namespace cambium::merge
