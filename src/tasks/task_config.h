#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/yaml_value.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

enum class OutputType { kLogLikelihood, kLogLikelihoodRolling, kMultipleChoice, kGenerateUntil };
[[nodiscard]] std::string_view output_type_name(OutputType type);

/// One step of a filter pipeline: its function and that function's arguments.
struct FilterStep {
  std::string function;
  text::jinja::Value arguments;  ///< a dict
};

/// A named filter pipeline of `filter_list`.
struct FilterPipeline {
  std::string name;
  std::vector<FilterStep> steps;
};

/// One entry of `metric_list`.
struct MetricConfig {
  std::string name;
  std::optional<std::string> aggregation;  ///< its name, or FOLDER/module.function
  std::optional<bool> higher_is_better;
  text::jinja::Value arguments;  ///< the other keys: a dict
};

/// What few-shot examples take instead of the task's own fields.
struct FewShotConfig {
  std::string sampler = "default";
  std::optional<std::string> split;
  std::optional<std::vector<text::jinja::Value>> samples;  ///< examples written in the task file
  std::vector<std::size_t> indices;                        ///< positions in the split; empty: all
  text::jinja::Value doc_to_text;
  text::jinja::Value doc_to_target;
  text::jinja::Value doc_to_choice;
  text::jinja::Value process_docs;
  std::optional<std::string> gen_prefix;
  std::string target_delimiter;
  std::string fewshot_delimiter;
};

/// A task file of lm-evaluation-harness 0.4.13, checked. Fields that may be a field name, a template, a number, a list,
/// a dict or
/// `!function` stay values (task.h reads them).
struct TaskConfig {
  std::string task;
  std::string alias;
  std::string dataset_path;
  text::jinja::Value dataset_kwargs;
  std::optional<std::string> training_split;
  std::optional<std::string> validation_split;
  std::optional<std::string> test_split;
  text::jinja::Value process_docs;
  text::jinja::Value doc_to_text;
  text::jinja::Value doc_to_target;
  text::jinja::Value doc_to_choice;
  text::jinja::Value doc_to_image;
  text::jinja::Value doc_to_audio;
  text::jinja::Value doc_to_video;
  text::jinja::Value process_results;
  std::string description;
  std::string target_delimiter = " ";
  std::string fewshot_delimiter = "\n\n";
  FewShotConfig fewshot;
  std::optional<int> num_fewshot;
  OutputType output_type = OutputType::kGenerateUntil;
  text::jinja::Value generation_kwargs;  ///< a dict for generate_until, with `until`; else None
  int repeats = 1;
  std::vector<FilterPipeline> filters;  ///< at least one
  std::vector<MetricConfig> metrics;    ///< at least one
  std::optional<std::string> gen_prefix;
  bool unsafe_code = false;
  text::jinja::Value metadata;
  text::jinja::Value raw;  ///< the whole file with its includes, as read
  std::filesystem::path file;

  /// @param places  where each key stands, for messages
  /// @throws RecipeError  unknown key (with the nearest known), a value of the wrong type, a missing key, an unknown
  /// metric, filter or
  ///                      sampler name; each with file and line
  [[nodiscard]] static TaskConfig from(const text::jinja::Value& mapping,
                                       const std::map<std::string, YamlPlace>& places,
                                       const std::filesystem::path& file);
};

/// Reads a task or group file with its includes (relative to the file; the including file's keys win).
/// @throws RecipeError  as read_yaml; an include that is missing or goes in a circle
[[nodiscard]] YamlMapping read_task_file(const std::filesystem::path& file);

}  // namespace cambium::tasks
