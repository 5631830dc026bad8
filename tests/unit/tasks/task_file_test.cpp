// Task files and their data: what is read, and what a wrong file is answered with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/temp_folder.h"
#include "tasks/dataset.h"
#include "tasks/python_literal.h"
#include "tasks/score.h"
#include "tasks/task_index.h"
#include "tasks/yaml_value.h"
#include "tensor/error.h"
#include "text/jinja_json.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string json(const Value& value) {
  jinja::Budget budget{jinja::Limits{}};
  return jinja::to_json(value, {}, budget);
}

class TaskFile : public testing::Test {
 protected:
  TaskFile() {
    folder_.write("data.jsonl", R"({"q": "one", "a": 0}
{"q": "two", "a": 1}
)");
  }
  [[nodiscard]] TaskSet load(std::string_view text) const {
    folder_.write("tasks/t.yaml", text);
    return TaskIndex({folder_.path() / "tasks"}).load({"t"}, DataSearch{.folders = {folder_.path()}});
  }
  [[nodiscard]] static std::string with(std::string_view more) {
    return "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\ntest_split: test\n"
           "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: [no, yes]\n" +
           std::string(more);
  }
  void expect_refused(std::string_view text, const std::vector<std::string>& words) const {
    try {
      static_cast<void>(load(text));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      for (const std::string& word : words) EXPECT_THAT(error.what(), HasSubstr(word)) << text;
    }
  }
  testing_support::TempFolder folder_;
};

TEST_F(TaskFile, UnknownKeysAreAnsweredWithTheNearestAndTheLine) {
  expect_refused(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: data.jsonl}\ntest_split: train\ndoc_to_txt: q\n",
      {"t.yaml:5", "'doc_to_txt'", "'doc_to_text'"});
  expect_refused("task: t\nnum_fewshots: 3\n", {"t.yaml:2", "'num_fewshot'"});
}

TEST_F(TaskFile, SaysWhichValueIsWrong) {
  const std::string good =
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\ntest_split: test\n"
      "output_type: multiple_choice\ndoc_to_text: q\ndoc_to_target: a\ndoc_to_choice: ['no', 'yes']\n";
  EXPECT_EQ(load(good).tasks.size(), 1U);
  expect_refused(good + "num_fewshot: many\n", {"t.yaml:9", "num_fewshot", "whole number"});
  expect_refused(good + "metric_list: [{metric: accc}]\n", {"t.yaml:9", "'accc'", "'acc'"});
  expect_refused(good + "metric_list: [{metric: bleu}]\n", {"bleu", "multiple_choice"});
  expect_refused(good + "metric_list: [{metric: acc, aggregation: meen}]\n", {"'meen'", "'mean'"});
  expect_refused(good + "filter_list: [{name: f, filter: [{function: take_frist}]}]\n",
                 {"'take_frist'", "'take_first'"});
  expect_refused(good + "filter_list: [{name: f, filter: [{function: regex, regex_pattern: '('}]}]\n",
                 {"filter_list", "'('"});
  expect_refused(good + "fewshot_config: {sampler: balanced}\n", {"sampler", "first_n"});
  expect_refused(good + "fewshot_config: {smpler: first_n}\n", {"'smpler'", "'sampler'"});
  expect_refused(good + "process_docs: !function utils.fix\n", {"tasks/utils.fix", "Python"});
  expect_refused(good + "validation_split: dev\ntest_split: dev\n", {"t.yaml:10", "test_split", "twice"});
}

TEST_F(TaskFile, NamesMissingDataAndWhereItWasLookedFor) {
  expect_refused(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: nowhere.jsonl}}\ntest_split: "
      "test\ndoc_to_text: q\n"
      "doc_to_target: a\n",
      {"task 't'", "nowhere.jsonl", folder_.path().string(), "--data-root"});
  expect_refused("task: t\ndataset_path: org/name\ntest_split: test\ndoc_to_text: q\ndoc_to_target: a\n",
                 {"org/name", "dataset_path: json"});
  expect_refused(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: data.jsonl}\ntest_split: test\ndoc_to_text: "
      "q\ndoc_to_target: a\n",
      {"'test'", "train"});
}

TEST_F(TaskFile, TemplateErrorsNameTheTaskTheFieldAndTheDocument) {
  const TaskSet set = load(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\ntest_split: test\noutput_type: "
      "loglikelihood\n"
      "doc_to_text: \"{{ 'x' if a == 0 else missing }}\"\ndoc_to_target: q\n");
  EXPECT_THAT([&] { static_cast<void>(set.tasks.front()->requests({})); },
              ThrowsMessage<RecipeError>(
                  AllOf(HasSubstr("doc_to_text"), HasSubstr("'missing' is undefined"), HasSubstr("document 1 of 2"))));
  expect_refused(
      "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: data.jsonl}}\ntest_split: test\n"
      "doc_to_text: '{% if %}'\ndoc_to_target: q\n",
      {"doc_to_text:1:7", "TemplateSyntaxError"});
}

TEST_F(TaskFile, UnknownTasksAreAnsweredWithTheNearest) {
  folder_.write("tasks/one.yaml", "task: arc_easy\n");
  const TaskIndex index({folder_.path() / "tasks"});
  EXPECT_THAT([&] { static_cast<void>(index.load({"arc_esay"}, {})); },
              ThrowsMessage<RecipeError>(HasSubstr("'arc_easy'")));
}

TEST_F(TaskFile, IncludesAreRelativeAndOwnKeysWin) {
  folder_.write("tasks/base/common.yaml", "dataset_path: json\nnum_fewshot: 2\ntask: base\n");
  folder_.write("tasks/t.yaml", "include: base/common.yaml\ntask: t\nnum_fewshot: 3\n");
  const YamlMapping merged = read_task_file(folder_ / "tasks/t.yaml");
  EXPECT_EQ(json(merged.value), R"({"dataset_path": "json", "num_fewshot": 3, "task": "t"})");
  folder_.write("tasks/loop.yaml", "include: loop.yaml\n");
  EXPECT_THROW(static_cast<void>(read_task_file(folder_ / "tasks/loop.yaml")), RecipeError);
  folder_.write("tasks/lost.yaml", "include: nothing.yaml\n");
  EXPECT_THAT([&] { static_cast<void>(read_task_file(folder_ / "tasks/lost.yaml")); },
              ThrowsMessage<RecipeError>(HasSubstr("nothing.yaml")));
}

// YAML 1.1 as PyYAML reads it.
TEST_F(TaskFile, ScalarsAreTypedAsPyYamlTypesThem) {
  folder_.write("y.yaml",
                "a: yes\nb: 'yes'\nc: 010\nd: 0x1f\ne: 1.5\nf: 1e5\ng: 1.0e+5\nh: ~\ni: 1_000\nj: .inf\nk: off\nl: "
                "12:30\nm: \"5\"\n"
                "n: !function utils.f\no: [1, -2, +3]\np: |\n  x\n  y\n");
  const YamlMapping read = read_yaml(folder_ / "y.yaml");
  const std::string folder = folder_.path().filename().string();
  EXPECT_EQ(json(read.value),
            R"({"a": true, "b": "yes", "c": 8, "d": 31, "e": 1.5, "f": "1e5", "g": 100000.0, "h": null, "i": 1000, )"
            R"("j": Infinity, "k": false, "l": "12:30", "m": "5", "n": {"!function": ")" +
                folder + R"(/utils.f"}, "o": [1, -2, 3], "p": "x\ny\n"})");
  EXPECT_EQ(read.places.at("e").line, 5);
  for (const char* wrong : {"a: [1\n", "- 1\n", "a: !python/object:os.system x\n", "a: &x [*x]\n", "\tx: 1\n"}) {
    folder_.write("bad.yaml", wrong);
    EXPECT_THROW(static_cast<void>(read_yaml(folder_ / "bad.yaml")), Error) << wrong;
  }
}

TEST_F(TaskFile, DataKeepsRowsFromWhereAndCompletesColumns) {
  folder_.write("mixed.jsonl", "{\"s\": \"x\", \"n\": 1}\n\n{\"s\": \"y\", \"n\": 2.5, \"more\": [1]}\n");
  const DataSearch search{.folders = {folder_.path()}};
  const auto rows = [&](const std::string& options, std::string_view format = "json") {
    const Dataset data = Dataset::read(format, jinja::from_json(options, "options"), search, "t");
    return json(Value::list(data.split("train").rows));
  };
  EXPECT_EQ(rows(R"({"data_files": "mixed.jsonl"})"),
            R"([{"s": "x", "n": 1.0, "more": null}, {"s": "y", "n": 2.5, "more": [1]}])");
  EXPECT_EQ(rows(R"({"data_files": "mixed.jsonl", "where": {"s": "y"}})"), R"([{"s": "y", "n": 2.5, "more": [1]}])");
  folder_.write("list.json", R"([["a", 1], ["b", 2]])");
  EXPECT_EQ(rows(R"({"data_files": "list.json", "column_names": ["k", "v"]})"),
            R"([{"k": "a", "v": 1}, {"k": "b", "v": 2}])");
  folder_.write("t.csv", "a;b\n1;x\n;\"y;\"\"z\"\n");
  EXPECT_EQ(rows(R"({"data_files": "t.csv", "sep": ";"})", "csv"),
            R"([{"a": 1.0, "b": "x"}, {"a": null, "b": "y;\"z"}])");
  EXPECT_EQ(rows(R"({"data_files": "mix*.jsonl", "where": {"s": "x"}})"), R"([{"s": "x", "n": 1.0, "more": null}])");
}

TEST_F(TaskFile, DamagedDataIsNamedWithItsLine) {
  const DataSearch search{.folders = {folder_.path()}};
  const auto read = [&](std::string_view name, std::string_view text, std::string_view format) {
    folder_.write(name, text);
    static_cast<void>(
        Dataset::read(format, Value::dict({{"data_files", Value::string(std::string(name))}}), search, "t"));
  };
  EXPECT_THAT([&] { read("a.jsonl", "{}\n{\"a\": }\n", "json"); }, ThrowsMessage<RecipeError>(HasSubstr("a.jsonl:2")));
  EXPECT_THAT([&] { read("b.jsonl", "{}\n5\n", "json"); }, ThrowsMessage<RecipeError>(HasSubstr("b.jsonl:2")));
  EXPECT_THAT([&] { read("c.csv", "a,b\n1,\"2\n", "csv"); }, ThrowsMessage<RecipeError>(HasSubstr("c.csv:2")));
  EXPECT_THAT([&] { read("d.csv", "a,b\n1,2,3\n", "csv"); }, ThrowsMessage<RecipeError>(HasSubstr("d.csv")));
  EXPECT_THAT([&] { read("e.jsonl.gz", "\x1f\x8b\x08 broken", "json"); },
              ThrowsMessage<SystemError>(HasSubstr("e.jsonl.gz")));
}

TEST(PythonLiteral, ReadsWhatPythonPrints) {
  const auto read = [](std::string_view text) {
    const auto value = parse_python_literal(text);
    return value ? json(*value) : "nothing";
  };
  EXPECT_EQ(read(R"(['a', "it's", 'x\n\u00e9', 'a' "b"])"), "[\"a\", \"it's\", \"x\\n\u00e9\", \"ab\"]");
  EXPECT_EQ(read("[1, -2.5, True, None, (1,), (2), {'k': [3]}, ]"), R"([1, -2.5, true, null, [1], 2, {"k": [3]}])");
  EXPECT_EQ(read("1, 2"), "[1, 2]");
  for (const char* wrong : {"", "[1", "['a]", "name", "[1 2]", "1 +", "nan", "[__import__('os')]"})
    EXPECT_EQ(read(wrong), "nothing") << wrong;
  EXPECT_EQ(read(std::string(100'000, '[')), "nothing");
}

// 1 - C(n-c, k) / C(n, k), by hand: n = 5, c = 2: k = 1: 2/5; k = 2: 1 - 3/10; k = 4: every draw holds a right one.
TEST(PassAtK, IsTheChanceOfARightAnswerAmongK) {
  EXPECT_DOUBLE_EQ(pass_at_k(5, 2, 1), 0.4);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 2, 2), 0.7);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 2, 4), 1);
  EXPECT_DOUBLE_EQ(pass_at_k(5, 0, 5), 0);
}

}  // namespace
}  // namespace cambium::tasks
