// Questions about pictures, with the small LLaVA model of tests/golden/training.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "eval/evaluate.h"
#include "eval/local_backend.h"
#include "eval/model_fingerprint.h"
#include "model/engine/engine_setup.h"
#include "model/media/media_towers.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::eval {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kModel = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/training/llava_15";

class MediaQuestions : public testing::Test {
 protected:
  MediaQuestions() {
    const fs::path pictures = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/media";
    fs::copy(pictures / "b.png", folder_ / "one.png");
    fs::copy(pictures / "c.png", folder_ / "two.png");
    write_task("<image>");
  }
  void write_task(const std::string& placeholder, const std::string& last_picture = "one.png") {
    folder_.write("rows.jsonl", R"({"p": "one.png", "q": "round?"}
{"p": "two.png", "q": "round?"}
{"p": ")" + last_picture + R"(", "q": "round?"}
)");
    folder_.write("tasks/look.yaml", R"(task: look
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_image: "{{[p]}}"
doc_to_text: ")" + placeholder + R"(Is it {{q}}\nAnswer:"
doc_to_choice: ["yes", "no"]
doc_to_target: "yes"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
)");
  }
  Evaluation run(bool with_towers = true) {
    const tasks::DataSearch data{.folders = {folder_.path()}};
    set_ = tasks::TaskIndex({folder_ / "tasks"}).load({"look"}, data);
    LocalModel local{.folder = model_.folder(), .label = "llava", .fingerprint = ""};
    local.data = data;
    if (with_towers) local.media = [this]() -> const model::MediaTowers& { return model_.media(); };
    LocalBackend backend(model_.engine(), std::move(local));
    EvaluateOptions options;
    options.data = data;
    NoProgress progress;
    return evaluate(backend, set_, options, nullptr, progress);
  }

  testing_support::TempFolder folder_;
  model::RunningModel model_{[] {
    model::EngineSetup setup;
    setup.model = kModel.string();
    setup.dtype = "float32";
    setup.threads = 2;
    setup.cache_gib = 0.25;
    return setup;
  }()};
  tasks::TaskSet set_;
};

TEST_F(MediaQuestions, AreAnsweredByThePictureTheyAreAbout) {
  const Evaluation result = run();
  ASSERT_EQ(result.tasks[0].error, "");
  const auto& responses = result.tasks[0].responses;
  EXPECT_NE(responses[0][0].log_likelihood, responses[2][0].log_likelihood) << "two pictures, one question";
  EXPECT_EQ(responses[0][0].log_likelihood, responses[4][0].log_likelihood) << "the same picture";
  EXPECT_EQ(result.computed, 4U) << "the third document asks what the first asked";
}

TEST_F(MediaQuestions, WithoutPlaceholderHaveThePictureInFront) {
  write_task("<image>\\n");
  const double written = run().tasks[0].responses[0][0].log_likelihood;
  write_task("");
  EXPECT_EQ(run().tasks[0].responses[0][0].log_likelihood, written);
}

TEST_F(MediaQuestions, NameThePictureThatIsMissing) {
  write_task("<image>", "three.png");
  EXPECT_THAT(run().tasks[0].error, testing::AllOf(HasSubstr("document 2"), HasSubstr("three.png")));
}

TEST_F(MediaQuestions, AreRefusedByAModelThatReadsTextAlone) {
  EXPECT_THAT(run(false).tasks[0].error, HasSubstr("reads text alone"));
}

TEST_F(MediaQuestions, FingerprintsChangeWithAnyFileThatDecidesAnswers) {
  const auto copy = folder_ / "model";
  fs::copy(kModel, copy);
  const std::string before = model_fingerprint(model_.weights(), kModel, 2);
  EXPECT_EQ(model_fingerprint(model_.weights(), copy, 1), before);
  folder_.write("model/README.md", "read me");
  EXPECT_EQ(model_fingerprint(model_.weights(), copy, 1), before);
  folder_.write("model/generation_config.json", R"({"repetition_penalty": 1.3})");
  EXPECT_NE(model_fingerprint(model_.weights(), copy, 1), before);
}

}  // namespace
}  // namespace cambium::eval
