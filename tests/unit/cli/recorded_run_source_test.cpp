#include "cli/recorded_run_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/store/store.h"
#include "support/temp_folder.h"
#include "tasks/comparison/run_comparison.h"
#include "tensor/error.h"

namespace cambium::cli {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

// A run of one task with two samples; the answer to the second is right if `good`.
void add_run(eval::Store& store, const std::string& name, bool good) {
  eval::NewRun run;
  run.identity = name;
  run.name = name;
  run.model_fingerprint = "model " + name;
  run.model_label = name;
  run.model_facts = "{}";
  run.options = "{}";
  run.version = "1";
  const std::int64_t id = store.begin_run(run);
  eval::NewTask task;
  task.fingerprint = "t";
  task.name = "sums";
  task.version = "1";
  task.output_type = "generate_until";
  task.config = R"({"metadata": {"cluster": "picture"}, "generation_kwargs": {"max_gen_toks": 4},
                    "metric_list": [{"metric": "exact_match"}, {"metric": "bleu"}]})";
  task.samples = 2;
  const std::int64_t task_id = store.begin_task(id, 0, task);
  std::vector<eval::FinishedSample> samples(2);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string key = "key" + std::to_string(i);
    store.add_response(id, key, 0, {.log_likelihood = 0, .greedy = false, .text = "It is 4", .tokens = 4}, true);
    samples[i].document = i;
    samples[i].content = R"({"question": "2 + )" + std::to_string(i) + R"(?", "picture": 7})";
    samples[i].target = "\"3\"";
    samples[i].requests.push_back({.kind = "generate_until",
                                   .prompt = "Q",
                                   .continuation = "",
                                   .generation = "{}",
                                   .media = "",
                                   .repeats = 1,
                                   .key = key});
    samples[i].answers = {{"number", "[\"4\"]"}};
    const bool right = good && i == 1;
    samples[i].scores = {
        {.filter = "number", .metric = "exact_match", .value = right ? 1.0 : 0.0, .content = right ? "1.0" : "0.0"}};
    store.flush();
  }
  store.finish_task(id, task_id, samples, {}, 1);
  store.finish_run(id, {}, 1);
}

TEST(RecordedRunSource, ReadsRunsOfAStoreByName) {
  const TempFolder folder;
  const std::string file = (folder / "runs.db").string();
  {
    eval::Store store(file);
    add_run(store, "base", false);
  }
  EXPECT_EQ(open_recorded_run(file, "").label, "base");  // the only one
  {
    eval::Store store(file);
    add_run(store, "graft", true);
  }
  const tasks::RecordedRun base = open_recorded_run(file + ":base", "");
  const tasks::RecordedRun graft = open_recorded_run("graft", file);
  ASSERT_EQ(base.tasks.size(), 1U);
  const tasks::RecordedTask& task = base.tasks[0];
  EXPECT_EQ(task.cluster_field, "picture");
  EXPECT_EQ(task.max_new_tokens, 4U);
  ASSERT_EQ(task.samples.size(), 2U);
  EXPECT_EQ(task.samples[1].target, "3");
  EXPECT_EQ(task.samples[1].answers.at(0).text, "It is 4");
  EXPECT_EQ(task.samples[1].answers.at(0).tokens, 4U);
  EXPECT_EQ(task.samples[1].filtered.at("number"), "4");
  EXPECT_EQ(task.samples[1].scores.at(0).metric, "exact_match");  // the task's order, not the store's
  const tasks::RunComparison compared = compare_runs(base, graft, {});
  EXPECT_EQ(compared.metrics.at(0).metric, "exact_match");
  EXPECT_EQ(compared.metrics.at(0).difference, 0.5);
  EXPECT_EQ(compared.metrics.at(0).clusters, 1U);
}

TEST(RecordedRunSource, KnowsTheGroupsOfAStoredRun) {
  const TempFolder folder;
  const std::string file = (folder / "runs.db").string();
  {
    eval::Store store(file);
    add_run(store, "base", false);
    store.put_groups(1, {{"arithmetic", {"sums", "products"}}});
  }
  EXPECT_THAT(open_recorded_run(file, "").groups.at("arithmetic"), testing::ElementsAre("sums", "products"));
}

TEST(RecordedRunSource, TellsRunsOfOneNameApart) {
  const TempFolder folder;
  const std::string a = (folder / "a.db").string(), b = (folder / "b.db").string();
  for (const std::string& file : {a, b}) {
    eval::Store store(file);
    add_run(store, "base", file == a);
  }
  EXPECT_EQ(open_recorded_runs(a, b, "").second.label, "base (" + b + ")");
}

TEST(RecordedRunSource, SaysWhichRunsThereAre) {
  const TempFolder folder;
  const std::string file = (folder / "runs.db").string();
  {
    eval::Store store(file);
    add_run(store, "base", false);
    add_run(store, "graft", true);
  }
  EXPECT_THAT([&] { (void)open_recorded_run(file, ""); },
              ThrowsMessage<UsageError>(testing::AllOf(HasSubstr("2 runs"), HasSubstr("runs.db:graft"))));
  EXPECT_THROW((void)open_recorded_run(file + ":grafd", ""), UsageError);
  EXPECT_THAT([] { (void)open_recorded_run("nowhere", ""); }, ThrowsMessage<UsageError>(HasSubstr("nowhere")));
}

}  // namespace
}  // namespace cambium::cli
