// The task files that come with the program, on invented data: the same prompts and scores as lm-evaluation-harness's
// tasks of these names (tests/golden/tasks/make_prompts.py).
#include "tasks/shipped_tasks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "tasks/score.h"
#include "tasks/task_index.h"
#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/jinja_json.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;
using testing::HasSubstr;
using testing::ThrowsMessage;
using testing_support::TempFolder;

const fs::path kShipped = fs::path(CAMBIUM_SOURCE_DIR) / "tasks";
const fs::path kGolden = fs::path(CAMBIUM_SOURCE_DIR) / "tests/golden/tasks";

DataSearch invented_data() {
  DataSearch search;
  search.folders = {kGolden / "data"};
  return search;
}

std::string json(const Value& value) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_json(value, {}, budget);
}

Value entry(const Value& object, std::string_view key) {
  const Value* found = object.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

bool near(const Value& a, const Value& b) {
  const auto number = [](const Value& value) { return value.is_number() || value.is(jinja::Type::kBool); };
  if (number(a) && number(b)) return std::abs(jinja::to_double(a) - jinja::to_double(b)) < 1e-12;
  return json(a) == json(b);
}

Value arguments_of(const Request& request) {
  if (request.kind == Request::Kind::kGenerate)
    return Value::list({Value::string(*request.context), request.generation});
  return Value::list({Value::string(*request.context), Value::string(request.continuation)});
}

Response response_of(const Value& recorded) {
  Response response;
  if (recorded.is_string()) {
    response.text = recorded.as_string();
  } else {
    response.log_likelihood = jinja::to_double(recorded.items()[0]);
    response.greedy = jinja::truthy(recorded.items()[1]);
  }
  return response;
}

TEST(ShippedTasks, AreFoundFromTheProgramsOwnPlace) { EXPECT_TRUE(fs::equivalent(shipped_task_folder(), kShipped)); }

TEST(ShippedTasks, PromptsAndScoresAreTheReferences) {
  const TaskIndex index({kShipped});
  const Value golden = jinja::from_json(read_text_file(kGolden / "prompts.json.gz"), "prompts.json.gz");
  DataSearch search = invented_data();
  search.cache = std::make_shared<DataCache>();
  ASSERT_GE(golden.as_dict().size(), 98U);
  for (const auto& [name, runs] : golden.as_dict().entries()) {
    const TaskSet set = index.load({name.as_string()}, search);
    const Task& task = *set.tasks.at(0);
    for (const auto& [run, rows] : runs.as_dict().entries()) {
      const std::string where = name.as_string() + "/" + run.as_string();
      PromptOptions options;
      if (run.as_string() == "two") options.num_fewshot = 2;
      const std::vector<Request> requests = task.requests(options);
      std::vector<std::vector<Response>> responses;
      for (const Value& row : rows.items()) {
        const auto& arguments = entry(row, "arguments").items();
        for (std::size_t i = 0; i < arguments.size(); ++i) {
          ASSERT_LT(responses.size(), requests.size()) << where;
          ASSERT_EQ(json(arguments_of(requests[responses.size()])), json(arguments[i])) << where;
          responses.push_back({response_of(entry(row, "resps").items()[i])});
        }
      }
      ASSERT_EQ(responses.size(), requests.size()) << where;
      const TaskScore made = score(task, requests, responses, {.bootstrap_draws = 0});
      for (const SampleScore& sample : made.samples) {
        const Value metrics = entry(entry(rows.items()[sample.document], "metrics"), sample.filter);
        ASSERT_EQ(sample.metrics.size(), metrics.as_dict().size()) << where;
        for (const auto& [metric, value] : sample.metrics) {
          EXPECT_TRUE(near(value, entry(metrics, metric)))
              << where << " " << metric << " " << json(value) << " for " << json(entry(metrics, metric));
        }
      }
    }
  }
}

TEST(ShippedTasks, EveryFileLoadsAndRenders) {
  const TaskIndex index({kShipped});
  const TaskSet set = index.load(index.names(), invented_data());
  std::set<std::string> seen;
  for (const auto& task : set.tasks) {
    const std::vector<Request> requests = task->requests({});
    ASSERT_FALSE(requests.empty()) << task->name();
    for (const Request& request : requests) {
      EXPECT_FALSE(request.context->empty() && request.continuation.empty()) << task->name();
    }
    seen.insert(task->config().file.string());
  }
  for (const auto& item : fs::recursive_directory_iterator(kShipped)) {
    const std::string name = item.path().filename().string();
    if (item.path().extension() != ".yaml" || name.starts_with("_")) continue;
    EXPECT_TRUE(seen.contains(item.path().string())) << item.path();
  }
}

// By hand.
TEST(ShippedTasks, AskForPicturesAndSounds) {
  const TaskIndex index({kShipped});
  const TaskSet set = index.load({"easy_vqa", "vqa", "spoken_digit"}, invented_data());
  const Request picture = set.tasks[0]->requests({}).at(0);
  EXPECT_EQ(*picture.context, "<image>what colour has the shape?\nAnswer with a single word:");
  EXPECT_EQ(json(Value::list(picture.media->images)), R"(["easy_vqa/data/test/images/0.png"])");
  EXPECT_EQ(set.tasks[0]->requests({}).size(), 8U + 2U + 3U);
  EXPECT_EQ(json(Value::list(set.tasks[1]->requests({}).at(0).media->images)), R"(["vqa/images/17.jpg"])");
  EXPECT_EQ(json(Value::list(set.tasks[2]->requests({}).at(0).media->sounds)), R"(["fsdd/recordings/3_ann_0.wav"])");
  EXPECT_EQ(set.tasks[2]->requests({}).at(3).continuation, " three");
}

TEST(ShippedTasks, SvampAsksBodyAndQuestionAndCountsTheLastNumber) {
  const TaskSet set = TaskIndex({kShipped}).load({"svamp"}, invented_data());
  const Task& task = *set.tasks.at(0);
  const std::vector<Request> requests = task.requests({});
  EXPECT_THAT(*requests[0].context, testing::EndsWith(" coins. What do 2 cost?\nAnswer:"));
  const std::string target = task.target(task.documents()[0]).as_string();
  const std::vector<std::vector<Response>> responses{
      {{0, false, " It is $" + target + ".0"}}, {{0, false, target + " or rather 7"}}, {{0, false, "none"}}};
  EXPECT_NEAR(score(task, requests, responses).metrics.at(0).value, 1.0 / 3, 1e-12);
}

TEST(ShippedTasks, MissingDataSaysWhatWasLookedForAndWhere) {
  DataSearch nowhere;
  nowhere.folders = {kGolden / "data/gsm8k"};
  const TaskIndex index({kShipped});
  EXPECT_THAT([&] { (void)index.load({"gsm8k"}, nowhere); },
              ThrowsMessage<RecipeError>(testing::AllOf(HasSubstr("gsm8k/test.jsonl"), HasSubstr("data/gsm8k"))));
}

TEST(ShippedTasks, AGroupKeepsTheTasksWhoseDataAreThere) {
  const TempFolder folder;
  folder.write("bbh/navigate.jsonl", R"({"input": "Turn left.", "target": "No"})");
  DataSearch search;
  search.folders = {folder.path()};
  const TaskSet set = TaskIndex({kShipped}).load({"bbh"}, search);
  ASSERT_EQ(set.tasks.size(), 1U);
  EXPECT_EQ(set.tasks[0]->name(), "bbh_cot_fewshot_navigate");
  EXPECT_EQ(set.errors.size(), 26U);
  EXPECT_THAT(set.errors.at(0), HasSubstr("boolean_expressions.jsonl"));
  EXPECT_EQ(set.groups.at(0).all_tasks().size(), 27U);
}

// Examples come from the training split if its file is there, else from the questions themselves, without the one
// asked.
TEST(ShippedTasks, ExamplesComeFromTheTestDataWhereTheTrainingFileIsMissing) {
  const TaskSet set = TaskIndex({kShipped}).load({"commonsense_qa"}, invented_data());
  EXPECT_FALSE(set.tasks[0]->config().training_split.has_value());
  PromptOptions options;
  options.num_fewshot = 7;
  for (const Request& request : set.tasks[0]->requests(options)) {
    const std::string& context = *request.context;
    const std::string asked = context.substr(context.rfind("Question:"));
    EXPECT_EQ(context.find(asked), context.rfind(asked));
  }
}

}  // namespace
}  // namespace cambium::tasks
