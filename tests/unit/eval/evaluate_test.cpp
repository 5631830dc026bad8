// The evaluation's own work, with a backend that knows the answers.
#include "eval/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "eval/harness_results.h"
#include "eval/result_table.h"
#include "eval/store/store.h"
#include "eval/store/store_reader.h"
#include "eval/task_search.h"
#include "support/temp_folder.h"
#include "tensor/error.h"

namespace cambium::eval {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Prefers the option "b"; generates "4". Counts what it is asked.
class KnowingBackend final : public Backend {
 public:
  [[nodiscard]] const BackendFacts& facts() const override { return facts_; }
  [[nodiscard]] BackendWork work() const override { return {}; }
  [[nodiscard]] const text::ChatTemplate* chat_template() const override { return nullptr; }
  void answer(std::span<const Question> questions, std::uint64_t, AnswerSink& sink) override {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (asked == stop_after) throw Interrupted("the test pulls the plug");
      const tasks::Request& request = *questions[i].request;
      if (request.context->find("too long") != std::string::npos) {
        sink.refused(i, "it does not fit");
        continue;
      }
      ++asked;
      const bool preferred = request.continuation == " b";
      sink.answered(i, {.log_likelihood = preferred ? -1.0 : -2.0, .greedy = preferred, .text = "4"}, 1);
    }
  }
  BackendFacts facts_{.label = "knowing", .fingerprint = "f", .settings = "float32", .dtype = "float32"};
  std::size_t asked = 0;
  std::size_t stop_after = SIZE_MAX;
};

class Evaluate : public testing::Test {
 protected:
  // Two options a row; the answer of row i is "b" unless i is 1.
  void add_choice_task(const std::string& name, const std::string& third_question = "q2") {
    folder_.write(name + ".jsonl", "{\"q\": \"q0\", \"gold\": 1}\n{\"q\": \"q1\", \"gold\": 0}\n{\"q\": \"" +
                                       third_question + "\", \"gold\": 1}\n");
    folder_.write("tasks/" + name + ".yaml", "task: " + name + R"(
dataset_path: json
dataset_kwargs: {data_files: {test: )" + name + R"(.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{q}}:"
doc_to_choice: [a, b]
doc_to_target: gold
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
)");
  }
  void add_generation_task(int repeats) {
    folder_.write("sum.jsonl", "{\"q\": \"2 + 2\", \"a\": \"4\"}\n");
    folder_.write("tasks/sum.yaml", R"(task: sum
dataset_path: json
dataset_kwargs: {data_files: {test: sum.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
generation_kwargs: {until: ["."]}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
repeats: )" + std::to_string(repeats) + "\n");
  }
  [[nodiscard]] tasks::TaskSet load(const std::vector<std::string>& names) const {
    return tasks::TaskIndex({folder_ / "tasks"}).load(names, {.folders = {folder_.path()}});
  }
  Evaluation run(const tasks::TaskSet& set, Store* store = nullptr, const EvaluateOptions& options = {}) {
    NoProgress progress;
    return evaluate(backend_, set, options, store, progress);
  }

  testing_support::TempFolder folder_;
  KnowingBackend backend_;
};

TEST_F(Evaluate, ScoresEachTaskAndAsksEqualQuestionsOnce) {
  add_choice_task("first");
  add_choice_task("second");
  const tasks::TaskSet set = load({"first", "second"});
  const Evaluation result = run(set);
  EXPECT_EQ(result.questions, 12U);
  EXPECT_EQ(backend_.asked, 6U) << "both tasks ask the same";
  for (const TaskOutcome& outcome : result.tasks) {
    EXPECT_THAT(outcome.error, IsEmpty());
    EXPECT_NEAR(outcome.score.metrics.at(0).value, 2.0 / 3, 1e-15);
  }
}

TEST_F(Evaluate, AsksAGreedyGenerationOnceWhateverItsRepeats) {
  add_generation_task(3);
  const tasks::TaskSet set = load({"sum"});
  const Evaluation result = run(set);
  EXPECT_EQ(backend_.asked, 1U);
  ASSERT_THAT(result.tasks[0].responses[0], SizeIs(3));
  EXPECT_EQ(result.tasks[0].responses[0][2].text, "4");
  backend_.asked = 0;
  EvaluateOptions sampled;
  sampled.prompts.generation = text::jinja::Value::dict({{"temperature", text::jinja::Value::real(0.5)}});
  static_cast<void>(run(set, nullptr, sampled));
  EXPECT_EQ(backend_.asked, 3U);
}

TEST_F(Evaluate, LeavesTheOtherTasksResultsWhenOneFails) {
  add_choice_task("good");
  add_choice_task("bad", "too long");
  const tasks::TaskSet set = load({"bad", "good"});
  const Evaluation result = run(set);
  EXPECT_THAT(result.find("bad")->error,
              testing::AllOf(HasSubstr("bad"), HasSubstr("document 2"), HasSubstr("does not fit")));
  EXPECT_THAT(result.find("good")->error, IsEmpty());
  EXPECT_THAT(result.find("good")->score.metrics, SizeIs(1));
}

TEST_F(Evaluate, LoadsTheTasksOfAGroupWhoseDataIsThere) {
  add_choice_task("good");
  add_choice_task("lost");
  folder_.write("tasks/both.yaml", "group: both\ntask: [good, lost]\naggregate_metric_list: [{metric: acc}]\n");
  std::filesystem::remove(folder_ / "lost.jsonl");
  const LoadedTasks loaded =
      load_tasks({"both"}, {.include_paths = {(folder_ / "tasks").string()}, .data_roots = {folder_.path().string()}});
  ASSERT_THAT(loaded.set.tasks, SizeIs(1));
  EXPECT_THAT(loaded.errors, ElementsAre(testing::AllOf(HasSubstr("lost"), HasSubstr("lost.jsonl"))));
  EXPECT_THAT(run(loaded.set).groups, IsEmpty());
  EXPECT_THAT(
      [&] {
        static_cast<void>(load_tasks({"bothh"}, {.include_paths = {(folder_ / "tasks").string()}, .data_roots = {}}));
      },
      testing::ThrowsMessage<UsageError>(HasSubstr("'both'")));
}

TEST_F(Evaluate, GivesNoNumberForAGroupThatLacksATask) {
  add_choice_task("good");
  add_choice_task("bad", "too long");
  folder_.write("tasks/both.yaml", "group: both\ntask: [good, bad]\naggregate_metric_list: [{metric: acc}]\n");
  EXPECT_THAT(run(load({"both"})).groups, IsEmpty());
  add_choice_task("bad");
  EXPECT_THAT(run(load({"both"})).groups, SizeIs(1));
}

TEST_F(Evaluate, ComputesOnlyWhatIsMissingAfterAnInterruption) {
  add_choice_task("first");
  add_generation_task(1);
  const tasks::TaskSet set = load({"first", "sum"});
  const Evaluation whole = run(set);
  const auto file = folder_ / "runs.db";
  backend_.asked = 0;
  backend_.stop_after = 4;
  {
    Store store(file);
    EXPECT_THROW(static_cast<void>(run(set, &store)), Interrupted);
    store.flush();
  }
  backend_.asked = 0;
  backend_.stop_after = SIZE_MAX;
  Store store(file);
  const Evaluation resumed = run(set, &store);
  EXPECT_EQ(backend_.asked, whole.computed - 4);
  EXPECT_EQ(resumed.find("first")->score.metrics[0].value, whole.find("first")->score.metrics[0].value);
  EXPECT_EQ(resumed.find("sum")->score.metrics[0].value, whole.find("sum")->score.metrics[0].value);
  const StoreReader reader(file);
  ASSERT_THAT(reader.runs(), SizeIs(1)) << "the same run went on";
  EXPECT_FALSE(reader.runs()[0].finished.empty());
  EXPECT_THAT(reader.samples(1, "first"), SizeIs(3));
  // Once more: nothing is left to compute.
  backend_.asked = 0;
  static_cast<void>(run(set, &store));
  EXPECT_EQ(backend_.asked, 0U);
}

TEST_F(Evaluate, TakesNoAnswerOnceItIsToStop) {
  // An answer that comes after Ctrl-C may have been cut short.
  class StopsAtTheSecond final : public Progress {
   public:
    explicit StopsAtTheSecond(const KnowingBackend& backend) : backend_(backend) {}
    void begin(std::string_view, std::uint64_t, std::string_view) override {}
    void advance(std::uint64_t) override {}
    [[nodiscard]] bool stop_requested() const override { return backend_.asked >= 2; }

   private:
    const KnowingBackend& backend_;
  };
  add_choice_task("first");
  const tasks::TaskSet set = load({"first"});
  Store store(folder_ / "runs.db");
  StopsAtTheSecond progress(backend_);
  EXPECT_THROW(static_cast<void>(evaluate(backend_, set, {}, &store, progress)), Interrupted);
  backend_.asked = 0;
  static_cast<void>(run(set, &store));
  EXPECT_EQ(backend_.asked, 5U) << "only the first of six answers was kept";
}

TEST_F(Evaluate, AsksOnlyTheChosenDocuments) {
  add_choice_task("first");
  EvaluateOptions options;
  options.samples["first"] = {2};
  const tasks::TaskSet set = load({"first"});
  const Evaluation result = run(set, nullptr, options);
  ASSERT_THAT(result.tasks[0].score.samples, SizeIs(1));
  EXPECT_EQ(result.tasks[0].score.samples[0].document, 2U);
}

TEST_F(Evaluate, PrintsLmEvaluationHarnesssTable) {
  add_choice_task("first");
  folder_.write("tasks/group.yaml",
                "group: all\ntask: [first]\naggregate_metric_list: [{metric: acc}]\nmetadata: {version: 2.0}\n");
  const tasks::TaskSet set = load({"all"});
  const EvaluateOptions options{};
  const Evaluation result = run(set);
  const HarnessRun harness{.evaluation = result,
                           .tasks = set,
                           .facts = backend_.facts(),
                           .options = options,
                           .work = {},
                           .seeds = text::jinja::Value::list(std::vector<text::jinja::Value>(4)),
                           .errors = {}};
  EXPECT_EQ(result_table(harness_results(harness, false), "results"),
            "| Tasks  |Version|Filter|n-shot|Metric|   |Value |   |Stderr|\n"
            "|--------|------:|------|-----:|------|---|-----:|---|-----:|\n"
            "|all     |      2|none  |     0|acc   |↑  |0.6667|±  |0.3333|\n"
            "| - first|   Yaml|none  |     0|acc   |↑  |0.6667|±  |0.3333|\n");
}

}  // namespace
}  // namespace cambium::eval
