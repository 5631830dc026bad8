#include "merge/tokenizer_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "checkpoint/json.h"
#include "checkpoint/vocabulary.h"
#include "support/memory_weights.h"
#include "tensor/error.h"

namespace cambium::merge {
namespace {

using checkpoint::Json;
using checkpoint::Vocabulary;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Tokenizers, and what mergekit 0.1.5 makes of them (tests/golden/tokenizer_merge/make_golden.py).
const Json& golden() {
  static const Json json = checkpoint::read_json(std::filesystem::path(CAMBIUM_SOURCE_DIR) /
                                                 "tests/golden/tokenizer_merge/tokenizer_merge.json");
  return json;
}

struct Model {
  std::unique_ptr<Source> source;
  std::int64_t rows = 0;
  TokenizerInput input() const { return {source.get(), rows}; }
};

Model make_model(const std::string& name, const std::vector<std::pair<std::string, std::string>>& files,
                 std::int64_t rows) {
  std::vector<CompanionFile> companions;
  for (const auto& [file, text] : files) companions.push_back({.name = file, .path = {}, .contents = text});
  auto weights = std::make_shared<testing_support::MemoryWeights>(name);
  return {std::make_unique<Source>(ModelReference{.model = name, .adapter = {}}, weights, Json::object(), companions,
                                   std::vector<std::filesystem::path>{}, nullptr),
          rows};
}

Model golden_model(const std::string& name) {
  const Json& model = golden()["models"][name];
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& [file, text] : model["files"].items()) files.emplace_back(file, text.get<std::string>());
  return make_model(name, files, model["rows"].get<std::int64_t>());
}

std::vector<Model> golden_models(const Json& names) {
  std::vector<Model> models;
  for (const Json& name : names) models.push_back(golden_model(name.get<std::string>()));
  return models;
}

MergedVocabulary merge(const TokenizerSpec& spec, const std::vector<Model>& models) {
  std::vector<TokenizerInput> inputs;
  const Source* chosen = nullptr;
  for (const Model& model : models) {
    inputs.push_back(model.input());
    if (spec.source == TokenizerSpec::Source::kModel && model.source->reference() == spec.model)
      chosen = model.source.get();
  }
  return merge_vocabularies(spec, inputs, 0, chosen);
}

TokenizerSpec spec_of(const Json& source) {
  TokenizerSpec spec;
  if (source == "base") {
    spec.source = TokenizerSpec::Source::kBase;
  } else if (source != "union") {
    spec.source = TokenizerSpec::Source::kModel;
    spec.model.model = source.get<std::string>();
  }
  return spec;
}

std::string contents(const MergedVocabulary& merged, std::string_view name) {
  const auto file = std::ranges::find(merged.files, name, &CompanionFile::name);
  return file == merged.files.end() ? "" : file->read();
}

std::vector<std::string> tokens_of(const Vocabulary& vocabulary) {
  std::vector<std::string> tokens;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) tokens.emplace_back(vocabulary.token(id).value_or("(none)"));
  return tokens;
}

TEST(MergeVocabularies, GivesTheTokensAndRowsOfMergekit) {
  for (const Json& golden_case : golden()["cases"]) {
    SCOPED_TRACE(golden_case["models"].dump() + " " + golden_case["source"].dump());
    const std::vector<Model> models = golden_models(golden_case["models"]);
    TokenizerSpec spec = spec_of(golden_case["source"]);
    if (golden_case.contains("tokens")) {
      for (const Json& token : golden_case["tokens"]) spec.tokens.emplace_back(token.get<std::string>(), TokenSpec{});
    }
    const MergedVocabulary merged = merge(spec, models);
    const Vocabulary output = Vocabulary::parse(contents(merged, "tokenizer.json"), "output");
    auto expected = golden_case["vocab"].get<std::vector<std::string>>();
    ASSERT_EQ(merged.tokens, static_cast<std::int64_t>(expected.size()));
    EXPECT_EQ(merged.rows, merged.tokens);
    // mergekit adds the other models' new regular tokens in an arbitrary order: those of the first model keep their
    // places.
    std::vector<std::string> tokens = tokens_of(output);
    const Json& of_first = golden_case["rows"][golden_case["models"][0].get<std::string>()];
    const auto first = static_cast<std::ptrdiff_t>(std::min(of_first.size(), tokens.size()));
    std::sort(tokens.begin() + first, tokens.end());
    std::sort(expected.begin() + first, expected.end());
    EXPECT_EQ(tokens, expected);

    for (std::size_t model = 0; model < models.size(); ++model) {
      const Json& rows = golden_case["rows"][models[model].source->label()];
      std::size_t found = 0;
      for (std::int64_t id = 0; id < merged.tokens; ++id) {
        const std::int64_t row = merged.model_rows[model][static_cast<std::size_t>(id)];
        if (row < 0) continue;
        ++found;
        EXPECT_EQ(rows.value(std::string(*output.token(id)), Json(-1)), row) << *output.token(id);
      }
      EXPECT_EQ(found, rows.size());
    }
  }
}

TEST(MergeVocabularies, GivesTheAddedTokensOfMergekit) {
  for (const Json& golden_case : golden()["cases"]) {
    SCOPED_TRACE(golden_case["models"].dump() + " " + golden_case["source"].dump());
    TokenizerSpec spec = spec_of(golden_case["source"]);
    if (golden_case.contains("tokens")) {
      for (const Json& token : golden_case["tokens"]) spec.tokens.emplace_back(token.get<std::string>(), TokenSpec{});
    }
    const MergedVocabulary merged = merge(spec, golden_models(golden_case["models"]));
    const Json tokenizer = checkpoint::parse_json(contents(merged, "tokenizer.json"), "output");
    std::set<std::string> added;
    for (const Json& token : tokenizer["added_tokens"]) {
      added.insert(Json{token["content"], token["special"], token["normalized"], token["lstrip"]}.dump());
    }
    std::set<std::string> expected;
    for (const Json& token : golden_case["added"]) expected.insert(token.dump());
    EXPECT_EQ(added, expected);
  }
}

TEST(MergeVocabularies, CopiesTheFilesOfAnUnchangedTokenizer) {
  std::vector<Model> models;
  const std::string json = golden()["models"]["base"]["files"]["tokenizer.json"];
  models.push_back(
      make_model("base", {{"tokenizer.json", json}, {"merges.txt", "m"}, {"config.json", "{}"}, {"x.py", ""}}, 8));
  models.push_back(golden_model("declared"));
  TokenizerSpec spec;
  spec.source = TokenizerSpec::Source::kBase;
  const MergedVocabulary merged = merge(spec, models);
  EXPECT_EQ(contents(merged, "tokenizer.json"), json);
  EXPECT_EQ(contents(merged, "merges.txt"), "m");
  EXPECT_EQ(merged.files.size(), 2U);
  EXPECT_THAT(merged.replaced,
              ElementsAre("merges.txt", "special_tokens_map.json", "tokenizer.json", "tokenizer_config.json"));
}

TEST(MergeVocabularies, LeavesOutWhatAnExtendedTokenizerContradicts) {
  std::vector<Model> models;
  const std::string json = golden()["models"]["base"]["files"]["tokenizer.json"];
  models.push_back(make_model(
      "base",
      {{"tokenizer.json", json},
       {"merges.txt", "m"},
       {"chat_template.jinja", "hello"},
       {"tokenizer_config.json", R"({"x":1,"added_tokens_decoder":{"0":{"content":"<unk>","special":true}}})"}},
      8));
  models.push_back(golden_model("other"));
  const MergedVocabulary merged = merge({}, models);
  EXPECT_EQ(contents(merged, "merges.txt"), "");
  EXPECT_EQ(contents(merged, "chat_template.jinja"), "hello");
  const Json config = checkpoint::parse_json(contents(merged, "tokenizer_config.json"), "config");
  EXPECT_EQ(config["x"], 1);
  EXPECT_EQ(config["added_tokens_decoder"]["10"]["content"], "<|im_start|>");
}

TEST(MergeVocabularies, CutsTheTokensThatHaveNoRowWithTheirMerges) {
  std::vector<Model> models;
  const std::string json = golden()["models"]["base"]["files"]["tokenizer.json"];
  models.push_back(make_model("base", {{"tokenizer.json", json}}, 6));  // without "ab" and "abc"
  TokenizerSpec spec;
  spec.source = TokenizerSpec::Source::kBase;
  const MergedVocabulary merged = merge(spec, models);
  const Json tokenizer = checkpoint::parse_json(contents(merged, "tokenizer.json"), "output");
  EXPECT_EQ(tokenizer["model"]["vocab"].dump(), R"({"<unk>":0,"<s>":1,"</s>":2,"a":3,"b":4,"c":5})");
  EXPECT_EQ(tokenizer["model"]["merges"].dump(), "[]");
  EXPECT_EQ(merged.tokens, 6);
}

TEST(MergeVocabularies, RefusesToCutATokenizerWithoutMerges) {
  std::vector<Model> models;
  models.push_back(
      make_model("uni", {{"tokenizer.json", golden()["models"]["unigram"]["files"]["tokenizer.json"]}}, 4));
  EXPECT_THAT([&] { return merge({}, models); }, ThrowsMessage<CheckpointError>(::testing::AllOf(
                                                     HasSubstr("uni"), HasSubstr("Unigram"), HasSubstr("from 4 on"))));
}

TEST(MergeVocabularies, PadsRowsToAMultiple) {
  TokenizerSpec spec;
  spec.pad_to_multiple_of = 16;
  std::vector<Model> models;
  models.push_back(golden_model("base"));
  models.push_back(golden_model("other"));
  MergedVocabulary merged = merge(spec, models);
  EXPECT_EQ(merged.tokens, 12);
  EXPECT_EQ(merged.rows, 16);
  spec.pad_to_multiple_of = 12;
  EXPECT_EQ(merge(spec, models).rows, 12);
}

TokenSpec rule(TokenSpec::Kind kind, const std::string& model = {}) {
  TokenSpec spec;
  spec.kind = kind;
  spec.model.model = model;
  spec.line = 7;
  return spec;
}

TokenSpec rule_of_token(const std::string& model, const std::string& token) {
  TokenSpec spec = rule(TokenSpec::Kind::kModelToken, model);
  spec.token = token;
  return spec;
}

TokenSpec rule_of_row(const std::string& model, std::int64_t row) {
  TokenSpec spec = rule(TokenSpec::Kind::kModelToken, model);
  spec.token_id = row;
  return spec;
}

TokenSpec forced(TokenSpec spec) {
  spec.force = true;
  return spec;
}

TEST(MergeVocabularies, SaysWhereTheRowsOfChosenTokensComeFrom) {
  TokenizerSpec spec;
  spec.tokens = {{"foo", forced(rule(TokenSpec::Kind::kModel, "other"))},
                 {"a", rule_of_token("other", "d")},
                 {"b", rule_of_row("other", 12)},
                 {"<new>", rule(TokenSpec::Kind::kZero)},
                 {"c", forced(rule(TokenSpec::Kind::kDefault))}};
  std::vector<Model> models;
  models.push_back(golden_model("base"));
  models.push_back(golden_model("other"));
  const MergedVocabulary merged = merge(spec, models);
  const Vocabulary output = Vocabulary::parse(contents(merged, "tokenizer.json"), "output");
  const auto of = [&](const char* token) { return merged.overrides.at(output.id(token).value()); };
  EXPECT_EQ(merged.overrides.size(), 5U);
  EXPECT_EQ(of("foo").kind, TokenOverride::Kind::kRow);
  EXPECT_EQ(of("foo").model, 1U);
  EXPECT_EQ(of("foo").row, 9);
  EXPECT_TRUE(of("foo").force);
  EXPECT_EQ(of("a").row, 5);
  EXPECT_EQ(of("b").row, 12);
  EXPECT_EQ(of("<new>").kind, TokenOverride::Kind::kZero);
  EXPECT_EQ(of("c").kind, TokenOverride::Kind::kDefault);
  EXPECT_TRUE(of("c").force);
}

TEST(MergeVocabularies, RefusesTokensThatCannotBe) {
  std::vector<Model> models;
  models.push_back(golden_model("base"));
  models.push_back(golden_model("other"));
  const auto refused = [&](const TokenSpec& token_rule, const std::string& token, const std::string& what) {
    TokenizerSpec spec;
    spec.tokens = {{token, token_rule}};
    EXPECT_THAT([&] { return merge(spec, models); },
                ThrowsMessage<RecipeError>(::testing::AllOf(HasSubstr("line 7"), HasSubstr(what))));
  };
  refused(rule(TokenSpec::Kind::kModel, "third"), "a", "'a': model third is not merged; it can be one of: base, other");
  refused(rule(TokenSpec::Kind::kModel, "other"), "c", "model other has no such token");
  refused(rule_of_token("other", "zz"), "c", "no token 'zz'");
  refused(rule_of_row("other", 16), "c", "no row 16, only 0 to 15");
}

TEST(MergeVocabularies, NamesAModelWithoutATokenizer) {
  std::vector<Model> models;
  models.push_back(golden_model("base"));
  models.push_back(make_model("bare", {{"tokenizer.model", "sp"}}, 8));
  EXPECT_THAT([&] { return merge({}, models); },
              ThrowsMessage<CheckpointError>(HasSubstr("bare: there is no tokenizer.json")));
}

}  // namespace
}  // namespace cambium::merge
