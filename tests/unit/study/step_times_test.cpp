#include "study/step_times.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "study/study_run.h"
#include "support/temp_folder.h"

namespace cambium::study {
namespace {

namespace fs = std::filesystem;

Step tuning(const std::string& name, const std::string& model, const std::string& mixture) {
  Step step{.name = name,
            .kind = "tune",
            .command = {"tune", name + ".yml", "--json"},
            .needs = {},
            .files = {{name + ".yml", R"({"model": ")" + model + R"(", "mixture": )" + mixture + "}"}},
            .output = "models/" + name,
            .cached = false,
            .inputs = {}};
  step.inputs = checkpoint::hash_text(name);
  return step;
}

class StepTimesTest : public testing::Test {
 protected:
  StepTimesTest() {
    // Of a million parameters, and of four.
    for (const auto& [name, bytes] : {std::pair{"small", 4'000'000}, std::pair{"large", 16'000'000}}) {
      fs::create_directories(folder_.path() / name);
      std::ofstream(folder_.path() / name / "model.safetensors").seekp(bytes - 1).put(0);
    }
    graph_.steps = {tuning("a", "small", R"({"budget": 1000})"), tuning("b", "small", R"({"budget": "2k"})"),
                    tuning("c", "large", R"({"budget": "1k"})"), tuning("d", "models/c", R"({"steps": 1})")};
  }
  void done(const std::string& name, double seconds) {
    StudyFolder(folder_.path())
        .write_record(name, {.state = StepState::kDone,
                             .inputs = checkpoint::to_string(graph_.step(name).inputs),
                             .seconds = seconds,
                             .started = {},
                             .message = {},
                             .from_cache = false});
    fs::create_directories(folder_.path() / ("models/" + name));
  }
  [[nodiscard]] double estimate(const std::string& name) const {
    return StepTimes(graph_, StudyFolder(folder_.path())).seconds(graph_.step(name));
  }
  testing_support::TempFolder folder_;
  StepGraph graph_;
};

TEST_F(StepTimesTest, TuningTakesTimeByTokensAndParameters) {
  EXPECT_NEAR(estimate("b"), 2 * estimate("a"), 1e-9);
  EXPECT_NEAR(estimate("c"), 4 * estimate("a"), 1e-9);
  // A model that is not there yet is as large as what it will be made of; a step has 8192 tokens if nothing is said.
  EXPECT_NEAR(estimate("d"), 8.192 * estimate("c"), 1e-9);
}

TEST_F(StepTimesTest, WhatStepsOfTheSameKindTookIsLearned) {
  done("a", 10);
  EXPECT_NEAR(estimate("b"), 20, 1e-9);
  EXPECT_NEAR(estimate("c"), 40, 1e-9);
  done("b", 50);  // 60 s for 3000 tokens of a million parameters
  EXPECT_NEAR(estimate("c"), 80, 1e-9);
}

TEST_F(StepTimesTest, WhatIsLeftIsSharedByJobsButNotAlongOneChain) {
  done("a", 10);
  graph_.steps[3].needs = {"c"};
  const auto steps = plan(graph_, StudyFolder(folder_.path()));
  EXPECT_EQ(steps[0].state, StepState::kDone);
  const double b = estimate("b"), c = estimate("c"), d = estimate("d");
  EXPECT_NEAR(seconds_left(steps, 1), b + c + d, 1e-6);
  EXPECT_NEAR(seconds_left(steps, 8), c + d, 1e-6);
}

}  // namespace
}  // namespace cambium::study
