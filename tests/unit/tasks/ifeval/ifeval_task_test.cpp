// The shipped task file with its built-in functions, from requests to metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>

#include "support/temp_folder.h"
#include "tasks/score.h"
#include "tasks/task_index.h"

namespace cambium::tasks {
namespace {

// By hand: two prompts with one and two instructions; the first response follows its own after its first line goes, the
// second follows one of two.
TEST(IfevalTask, AveragesPromptsAndInstructions) {
  const testing_support::TempFolder folder;
  folder.write("ifeval/input_data.jsonl",
               R"({"key": 1, "prompt": "a", "instruction_id_list": ["startend:quotation"], "kwargs": [{}]}
{"key": 2, "prompt": "b", "instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"], "kwargs": [{}, {"num_words": 3, "relation": "at least", "keyword": null}]}
)");
  DataSearch search;
  search.folders = {folder.path()};
  const TaskSet set = TaskIndex({std::filesystem::path(CAMBIUM_SOURCE_DIR) / "tasks"}).load({"ifeval"}, search);
  const Task& task = *set.tasks.at(0);
  const std::vector<Request> requests = task.requests({});
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(*requests[0].context, "a");
  Response first;
  first.text = "Sure:\n\"yes\"";
  Response second;
  second.text = "one, two, three";
  const TaskScore scored = score(task, requests, {{first}, {second}}, {});
  std::map<std::string, double> values;
  for (const MetricResult& metric : scored.metrics) values[metric.metric] = metric.value;
  EXPECT_DOUBLE_EQ(values["prompt_level_strict_acc"], 0);
  EXPECT_DOUBLE_EQ(values["inst_level_strict_acc"], 1.0 / 3);
  EXPECT_DOUBLE_EQ(values["prompt_level_loose_acc"], 0.5);
  EXPECT_DOUBLE_EQ(values["inst_level_loose_acc"], 2.0 / 3);
}

}  // namespace
}  // namespace cambium::tasks
