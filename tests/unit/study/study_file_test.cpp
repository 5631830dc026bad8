#include "study/study_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "study/step_graph.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::study {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kStudy = R"(study: small
title: A small study
profiles:
  quick: {seeds: [1]}
  lab:
    seeds: [1, 2]
    values: {alpha: 0.2}
    arms: {tuned: {title: Tuned longer}}
values: {alpha: 0.1}
world: {seed: "${seed}", train-rows: 10}
bases:
  llama: {model: "${world}/initial/llama-1m"}
evaluate: [--include_path, "${world}/tasks"]
tasks:
  language: [a, b]
  vision: {title: Vision, tasks: [c], flags: [--limit, 5]}
arms:
  base:
    cache: true
    tune: {model: "${base.model}", output: "${out}", lr: "${alpha}"}
    evaluate: [language]
  tuned:
    from: base
    do:
      - run: [graft, --llm, "${model}", -o, "${out}"]
      - tune: {model: "${model}", output: "${out}"}
  merged:
    recipe: {merge_method: linear, models: [{model: "${arm.base}"}, {model: "${arm.tuned}"}]}
sweeps:
  recover:
    grid: {alpha: [0, 0.5], density: [1]}
    recipe: {merge_method: x, base_model: "${arm.tuned}", a: "${alpha}", d: "${density}"}
    reference: tuned
    target: base
    keep: vision
    gain: language
contrasts:
  - {first: base, second: tuned, group: language, expect: lower}
)";

class StudyText : public testing::Test {
 protected:
  StudyFile read(const std::string& text, std::string_view profile = {}, const std::vector<std::string>& sets = {}) {
    const auto file = folder_.path() / "study.yml";
    std::ofstream(file) << text;
    return StudyFile::read(file, profile, sets);
  }
  std::string changed(const std::string& from, const std::string& to) {
    std::string text = kStudy;
    text.replace(text.find(from), from.size(), to);
    return text;
  }
  testing_support::TempFolder folder_;
};

TEST_F(StudyText, AProfileIsLaidOverTheStudyAndTheFirstIsTheDefault) {
  EXPECT_THAT(read(kStudy).seeds, ElementsAre(1));
  const StudyFile lab = read(kStudy, "lab");
  EXPECT_THAT(lab.seeds, ElementsAre(1, 2));
  EXPECT_EQ(lab.values.at("alpha"), 0.2);
  EXPECT_EQ(lab.arm("tuned").title, "Tuned longer");
  EXPECT_EQ(lab.arm("tuned").steps.size(), 2U);
}

TEST_F(StudyText, SetChangesOneValueByItsPath) {
  EXPECT_EQ(read(kStudy, "lab", {"values.alpha=0.7"}).values.at("alpha"), 0.7);
  EXPECT_THAT(read(kStudy, "lab", {"seeds=[4]"}).seeds, ElementsAre(4));
}

TEST_F(StudyText, ASweepBecomesOneArmForEachPointOfItsGrid) {
  const StudyFile study = read(kStudy);
  EXPECT_THAT(study.sweeps.at(0).arms, ElementsAre("recover[alpha=0,density=1]", "recover[alpha=0.5,density=1]"));
  const Json& recipe = study.arm("recover[alpha=0.5,density=1]").steps.at(0).body;
  EXPECT_EQ(recipe["a"], 0.5);
  EXPECT_EQ(recipe["base_model"], "${arm.tuned}");
}

TEST_F(StudyText, NamesLineAndNearestOfWhatItDoesNotKnow) {
  const auto message = [&](const std::string& text) {
    return [this, text] { static_cast<void>(step_graph(read(text))); };
  };
  EXPECT_THAT(message(changed("title: A", "titel: A")),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("line 2"), HasSubstr("titel"), HasSubstr("title"))));
  EXPECT_THAT(message(changed("second: tuned", "second: tuend")),
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("line 38"), HasSubstr("tuend"), HasSubstr("'tuned'"))));
  EXPECT_THAT(message(changed("group: language, expect", "group: langauge, expect")),
              ThrowsMessage<RecipeError>(HasSubstr("'language'")));
  EXPECT_THAT(message(changed("${arm.base}", "${arm.bse}")), ThrowsMessage<RecipeError>(HasSubstr("'base'")));
  EXPECT_THAT(message(changed("\"${alpha}\"}\n    evaluate", "\"${alhpa}\"}\n    evaluate")),
              ThrowsMessage<RecipeError>(HasSubstr("alpha")));
  EXPECT_THAT(message(changed("from: base", "from: merged")), ThrowsMessage<RecipeError>(HasSubstr("needs itself")));
  EXPECT_THAT([&] { read(kStudy, "labb"); }, ThrowsMessage<RecipeError>(HasSubstr("lab")));
  EXPECT_THAT([&] { read("study: [unclosed"); }, ThrowsMessage<RecipeError>(HasSubstr("line 1")));
  EXPECT_THAT([&] { read("study: a\nstudy: b\n"); }, ThrowsMessage<RecipeError>(HasSubstr("twice")));
}

TEST_F(StudyText, StepsComeBehindWhatTheyNeedAndKnowTheirFiles) {
  const StepGraph graph = step_graph(read(kStudy));
  std::vector<std::string> names;
  for (const Step& step : graph.steps) {
    for (const std::string& need : step.needs) EXPECT_THAT(names, testing::Contains(need)) << step.name;
    names.push_back(step.name);
  }
  EXPECT_THAT(names,
              testing::IsSupersetOf({"world-s1", "llama/s1/base/tune", "llama/s1/tuned.1/graft", "llama/s1/tuned/tune",
                                     "llama/s1/base/language/eval", "llama/s1/merged/vision/eval"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("llama/s1/base/vision/eval")));
  const Step& tune = graph.step("llama/s1/base/tune");
  EXPECT_THAT(tune.command, ElementsAre("tune", "configs/llama/s1/base.tune.yml", "--json"));
  EXPECT_THAT(tune.files.at("configs/llama/s1/base.tune.yml"),
              AllOf(HasSubstr("\"model\": \"world-s1/initial/llama-1m\""), HasSubstr("\"lr\": 0.1")));
  const Step& merged = graph.step("llama/s1/merged/vision/eval");
  EXPECT_THAT(merged.files.at("recipes/llama/s1/merged.yml"), HasSubstr("models/llama/s1/tuned"));
  EXPECT_THAT(merged.needs, testing::Contains("llama/s1/tuned/tune"));
}

TEST_F(StudyText, TwoArmsWithOneRecipeAreEvaluatedOnce) {
  const StudyFile study = read(changed("a: \"${alpha}\", d: \"${density}\"", "a: 1"));
  const StepGraph graph = step_graph(study);
  std::map<std::string, std::string> runs;
  for (const EvalRun& run : graph.evaluations) runs[run.arm + " " + run.group] = run.run_name;
  EXPECT_EQ(runs.at("recover[alpha=0,density=1] vision"), runs.at("recover[alpha=0.5,density=1] vision"));
  EXPECT_NE(runs.at("recover[alpha=0,density=1] vision"), runs.at("merged vision"));
}

TEST_F(StudyText, AChangedNumberChangesTheInputsOfWhatNeedsItAndOfNothingElse) {
  const StepGraph before = step_graph(read(kStudy));
  const StepGraph after = step_graph(read(changed("grid: {alpha: [0, 0.5]", "grid: {alpha: [0, 0.6]")));
  EXPECT_EQ(before.step("llama/s1/tuned/tune").inputs, after.step("llama/s1/tuned/tune").inputs);
  const StepGraph other = step_graph(read(changed("values: {alpha: 0.1}", "values: {alpha: 0.3}")));
  EXPECT_NE(before.step("llama/s1/base/tune").inputs, other.step("llama/s1/base/tune").inputs);
  EXPECT_NE(before.step("llama/s1/merged/vision/eval").inputs, other.step("llama/s1/merged/vision/eval").inputs);
  EXPECT_EQ(before.step("world-s1").inputs, other.step("world-s1").inputs);
}

TEST_F(StudyText, AMeasureNamesAnEvaluationAndWaitsForIt) {
  const std::string text = std::string(kStudy) +
                           "measures:\n  flips: {kind: errors, command: [errors, \"results.db:${run.base.language}\", "
                           "\"results.db:${run.recover[alpha=0.5,density=1].language}\", --json]}\n";
  const StepGraph graph = step_graph(read(text));
  const Step& step = graph.step("llama/s1/flips/measure");
  EXPECT_EQ(step.command[1], "results.db:llama/s1/base/language");
  EXPECT_THAT(step.needs,
              ElementsAre("llama/s1/base/language/eval", "llama/s1/recover[alpha=0.5,density=1]/language/eval"));
  std::string wrong = text;
  wrong.replace(wrong.find("run.base.language"), 17, "run.base.vision");
  EXPECT_THAT([&] { static_cast<void>(step_graph(read(wrong))); },
              ThrowsMessage<RecipeError>(AllOf(HasSubstr("measure 'flips'"), HasSubstr("${run.base.vision}"))));
}

}  // namespace
}  // namespace cambium::study
