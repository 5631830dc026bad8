#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "checkpoint/json.h"
#include "support/model_on_disk.h"
#include "support/run_program.h"
#include "support/temp_folder.h"

namespace cambium::cli {
namespace {

using checkpoint::Json;
using testing::HasSubstr;
using testing_support::ProgramResult;
using testing_support::run_program;
using testing_support::TempFolder;

// In the folder of the models, since the adapter's config names `llama` relative to it.
ProgramResult run(const std::string& arguments) {
  return run_program(
      fmt::format("cd '{}/tests/golden/lora/bases' && '{}' {}", CAMBIUM_SOURCE_DIR, CAMBIUM_BINARY, arguments));
}

Json json_of(const std::string& arguments) {
  const ProgramResult result = run(arguments + " --json");
  EXPECT_EQ(result.status, 0) << result.err;
  return Json::parse(result.out);
}

double model_mean(const std::string& arguments) {
  return json_of("shift --by model " + arguments).at("rows").at(0).at("mean_abs").get<double>();
}

TEST(ModelArgument, MayBeAModelWithAnAdapterOrTheAdapterAlone) {
  for (const std::string model : {"llama+../cases/attention", "../cases/attention"}) {
    SCOPED_TRACE(model);
    EXPECT_EQ(json_of("inspect " + model).at("parameters"), json_of("inspect llama").at("parameters"));
    EXPECT_TRUE(json_of("align --base llama --model " + model).at("problems").empty());
    EXPECT_GT(model_mean("--base llama " + model), 0);
    EXPECT_EQ(model_mean("--base " + model + " " + model), 0);
  }
  EXPECT_EQ(model_mean("--base llama+../cases/attention ../cases/attention"), 0);
}

TEST(ModelArgument, MayBeARecipe) {
  const TempFolder folder;
  const std::string half = folder
                               .write("half.yml",
                                      "merge_method: task_arithmetic\nbase_model: llama\n"
                                      "models: [{model: llama+../cases/attention}]\nparameters: {weight: 0.5}\n")
                               .string();
  EXPECT_EQ(json_of("inspect " + half).at("family"), "llama");
  EXPECT_TRUE(json_of("align --base llama --model " + half).at("problems").empty());
  const double whole = model_mean("--base llama llama+../cases/attention");
  EXPECT_NEAR(model_mean("--base llama " + half), whole / 2, whole * 1e-5);
  EXPECT_NEAR(model_mean("--base " + half + " llama"), whole / 2, whole * 1e-5);
}

TEST(ModelArgument, ThatIsNotThereIsOneMessage) {
  const ProgramResult result = run("inspect llama+nothing");
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("nothing"));
}

}  // namespace
}  // namespace cambium::cli
