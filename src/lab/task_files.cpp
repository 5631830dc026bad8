#include "lab/task_files.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace cambium::lab {
namespace {

constexpr std::string_view kChoiceMetrics = R"(metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
)";

constexpr std::string_view kGeneration = R"(generation_kwargs:
  until: ["<|end|>"]
  do_sample: false
  max_gen_toks: 40
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
)";

// The number behind the last "####", as GSM8K's strict filter takes it.
constexpr std::string_view kSolutionFilter = R"y(filter_list:
  - name: strict-match
    filter:
      - function: regex
        regex_pattern: "#### (\\-?[0-9]+)"
      - function: take_first
)y";

}  // namespace

std::string task_yaml(const TaskFile& task) {
  std::string yaml = fmt::format(
      "# {}\ntask: {}\ntag: {}\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: tasks/data/{}.jsonl\n"
      "test_split: test\n",
      task.what, task.name, task.tag, task.name);
  const bool choice = task.scoring == Scoring::kChoice;
  yaml += fmt::format("output_type: {}\n", choice ? "multiple_choice" : "generate_until");
  // The tag stands where the medium belongs; whoever builds the prompt replaces it.
  yaml += fmt::format("doc_to_text: \"{}{{{{question}}}}\"\n", task.medium.empty() ? "" : "{{tags}}\\n");
  if (!task.medium.empty()) yaml += fmt::format("doc_to_{}: {}\n", task.medium, task.medium_column);
  yaml += "doc_to_target: answer\n";
  if (choice) yaml += "doc_to_choice: choices\n";
  yaml += "target_delimiter: \"\"\n";
  yaml += choice ? kChoiceMetrics : kGeneration;
  if (task.scoring == Scoring::kSolution) yaml += kSolutionFilter;
  yaml += "metadata:\n  version: 1.0\n";
  return yaml;
}

std::string test_rows(const std::vector<Exercise>& exercises, const std::string& medium_column,
                      const std::string& tag) {
  std::string lines;
  for (std::size_t i = 0; i < exercises.size(); ++i) {
    const Exercise& each = exercises[i];
    nlohmann::ordered_json row{{"id", i}, {"question", each.question}};
    if (each.choices.empty()) {
      row["answer"] = each.target;
    } else {
      row["answer"] = each.correct;
      row["choices"] = each.choices;
    }
    row["topic"] = each.topic;
    if (!medium_column.empty()) {
      nlohmann::ordered_json files = nlohmann::ordered_json::array();
      std::istringstream names(each.medium);
      std::string tags;
      for (std::string name; std::getline(names, name);) {
        files.push_back(name);
        tags += "<" + tag + ">";
      }
      row[medium_column] = files;
      row["tags"] = tags;
    }
    lines += row.dump() + "\n";
  }
  return lines;
}

}  // namespace cambium::lab
