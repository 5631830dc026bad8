#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <mutex>

#include "merge/merge_plan.h"
#include "merge/merge_run.h"
#include "merge/recipe.h"
#include "merge/recover_recipe.h"
#include "merge/source_pool.h"
#include "model/engine/engine_setup.h"
#include "model/loaded_model.h"
#include "model/media/media_inputs.h"
#include "model/tensor_file.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

using testing_support::TempFolder;

std::string golden(const std::string& name) {
  return (std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tests/golden/models" / name).string();
}

constexpr const char* kModel = "llava_15-pre452";
constexpr const char* kBase = "llava_15-base";
const std::vector<std::int32_t> kText{1, 333, 292, 311, 363, 321, 268, 343};

// The recipe that `cambium recover` runs, as a file.
std::string recipe_file(const TempFolder& folder, double alpha, double density = 1) {
  merge::RecoverOptions options;
  options.base = golden(kBase);
  options.model = golden(kModel);
  options.alpha = alpha;
  options.density = density;
  return folder.write(fmt::format("recover-{}.yml", alpha), merge::recover_recipe(options)).string();
}

EngineSetup setup(const std::string& model, std::string dtype = "float32") {
  EngineSetup out;
  out.model = model;
  out.dtype = std::move(dtype);
  out.threads = 2;
  out.cache_gib = 0.01;
  return out;
}

// Logits of the last token.
std::vector<float> logits_of(RunningModel& model, Prompt prompt = {.ids = kText, .embeddings = {}, .heads_off = {}}) {
  std::vector<float> out;
  LogitRequest request;
  request.positions = {prompt.ids.size() - 1};
  request.prompt = std::move(prompt);
  request.receive = [&](std::size_t, std::span<const float> logits) { out.assign(logits.begin(), logits.end()); };
  model.engine().logits({&request, 1});
  return out;
}

// The golden prompt, with its picture through this model's tower.
Prompt picture_prompt(RunningModel& model) {
  const at::NoGradGuard no_gradients;
  TensorMap tensors = read_tensor_file(golden("llava_15.image.safetensors"));
  const MediaInputs media = take_media(tensors, [&]() -> const MediaTowers& { return model.media(); });
  Prompt prompt;
  prompt.embeddings = media_rows(media, tensors.at("attention_mask")).at(0);
  const at::Tensor ids = tensors.at("input_ids");
  for (std::int64_t i = 0; i < ids.size(1); ++i)
    prompt.ids.push_back(static_cast<std::int32_t>(ids[0][i].item<std::int64_t>()));
  return prompt;
}

TEST(RecoverAsAModel, IsTheMultimodalModelAtAlphaZero) {
  const TempFolder folder;
  RunningModel model(setup(golden(kModel)));
  RunningModel recovered(setup(recipe_file(folder, 0)));
  EXPECT_EQ(logits_of(model), logits_of(recovered));
  EXPECT_EQ(logits_of(model, picture_prompt(model)), logits_of(recovered, picture_prompt(recovered)));
}

TEST(RecoverAsAModel, SpeaksAsTheLanguageModelAtAlphaOne) {
  const TempFolder folder;
  RunningModel base(setup(golden(kBase)));
  RunningModel recovered(setup(recipe_file(folder, 1)));
  const std::vector<float> want = logits_of(base);
  std::vector<float> made = logits_of(recovered);
  ASSERT_EQ(made.size(), 448U);
  made.resize(want.size());  // the graft has rows for its image token behind those of the base
  EXPECT_EQ(made, want);
}

// Whatever alpha was before: merged anew in place, the model is the one that a merge on disk gives.
TEST(Remerge, GivesTheWeightsOfMergesOnDisk) {
  const TempFolder folder;
  RunningModel running(setup(recipe_file(folder, 0.5), "auto"));
  LoadedModel loaded = load_model(open_model(recipe_file(folder, 0.5)), std::nullopt);
  const void* memory = loaded.weights.layers[1].gate.weight.const_data_ptr();
  for (int step = 0; step < 10; ++step) {
    const double alpha = 0.1 * (9 - step);
    const std::string written = fmt::format("{}", alpha);
    const std::size_t merged = running.remerge({{"parameters.alpha", written}});
    EXPECT_EQ(loaded.remerge({{"parameters.alpha", written}}).size(), merged);
    EXPECT_GT(merged, 10U);
    EXPECT_EQ(loaded.weights.layers[1].gate.weight.const_data_ptr(), memory);

    const std::filesystem::path out = folder / fmt::format("merged-{}", step);
    const merge::Recipe recipe = merge::read_recipe(recipe_file(folder, alpha), {});
    merge::SourcePool pool;
    std::vector<merge::MergePlan> plans = merge::plan_merge(recipe, pool, {});
    merge::RunOptions options;
    options.out = out;
    (void)merge::run_merge(plans.at(0), recipe, options);
    const LoadedModel disk = load_model(open_model(out.string()), std::nullopt);
    for (const auto& [name, tensor] : loaded.merged)
      EXPECT_TRUE(tensor.equal(load_tensor(*disk.source.weights, name, disk.dtype))) << name << " at " << alpha;
    RunningModel fresh(setup(out.string(), "auto"));
    EXPECT_EQ(logits_of(running), logits_of(fresh)) << alpha;
  }
}

// The engine keeps prefixes between calls: those of the old weights must not answer for the new ones.
TEST(Remerge, ForgetsWhatTheOldWeightsComputed) {
  const TempFolder folder;
  RunningModel model(setup(recipe_file(folder, 0)));
  const std::vector<float> before = logits_of(model);
  (void)model.remerge({{"parameters.alpha", "1"}});
  EXPECT_NE(logits_of(model), before);
  (void)model.remerge({{"parameters.alpha", "0"}});
  EXPECT_EQ(logits_of(model), before);
}

TEST(Remerge, MergesNothingWhereNothingChanges) {
  const TempFolder folder;
  RunningModel model(setup(recipe_file(folder, 0.25)));
  EXPECT_EQ(model.remerge({{"parameters.alpha", "0.25"}}), 0U);
}

TEST(Remerge, LeavesTheModelAsItWasWhenASettingIsWrong) {
  const TempFolder folder;
  RunningModel model(setup(recipe_file(folder, 0.25)));
  const std::vector<float> before = logits_of(model);
  EXPECT_THROW((void)model.remerge({{"parameters.alpha", "0.5"}, {"parameters.alhpa", "1"}}), RecipeError);
  EXPECT_EQ(model.remerge({{"parameters.alpha", "0.25"}}), 0U);
  EXPECT_EQ(logits_of(model), before);
}

TEST(Remerge, RefusesAModelThatIsNoRecipe) {
  RunningModel model(setup(golden(kBase)));
  EXPECT_THROW((void)model.remerge({{"parameters.alpha", "0.5"}}), UsageError);
}

}  // namespace
}  // namespace cambium::model
