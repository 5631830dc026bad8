#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/dataset.h"
#include "tasks/document_field.h"
#include "tasks/message.h"
#include "tasks/request.h"
#include "tasks/task_config.h"
#include "text/jinja_value.h"

namespace cambium::tasks {

/// What a run asks of its tasks, beyond their files.
struct PromptOptions {
  std::optional<int> num_fewshot;     ///< replaces the task's number, unless that is 0
  std::string system_instruction;     ///< in front of the task's description
  ChatRenderer chat;                  ///< empty: plain text
  bool fewshot_as_multiturn = false;  ///< examples as turns of the chat; else all in one user message
  std::uint64_t fewshot_seed = 1234;
  text::jinja::Value generation;     ///< a dict that replaces entries of generation_kwargs, or None
  std::optional<double> limit;       ///< the first documents: a number, or a share below 1
  std::vector<std::size_t> samples;  ///< these documents alone; empty: all
};

/// A task with its data: lm-evaluation-harness's ConfigurableTask without a model. Everything here is read-only and may
/// be shared.
class Task {
 public:
  /// Reads the data. @param data_root  more folders to look for it
  /// @throws RecipeError  missing or malformed data, a split or column that is not there, a template that cannot be
  /// parsed
  Task(TaskConfig config, const DataSearch& search);

  [[nodiscard]] const std::string& name() const { return config_.task; }
  [[nodiscard]] const TaskConfig& config() const { return config_; }
  /// "Yaml" unless metadata has a version.
  [[nodiscard]] text::jinja::Value version() const;
  /// The documents that are asked, in order.
  [[nodiscard]] const std::vector<text::jinja::Value>& documents() const { return documents_; }
  /// The data files, for fingerprints.
  [[nodiscard]] const std::vector<std::filesystem::path>& data_files() const { return data_files_; }
  /// Examples in front of each question, as the run's options leave them.
  [[nodiscard]] int num_fewshot(const PromptOptions& options) const;
  /// Numbers of the documents that are asked with these options.
  [[nodiscard]] std::vector<std::size_t> selected(const PromptOptions& options) const;

  /// The requests of all selected documents, document by document: byte-equal prompts to lm-evaluation-harness 0.4.13.
  /// @throws RecipeError  a template or column fails (with the document's number)
  [[nodiscard]] std::vector<Request> requests(const PromptOptions& options) const;

  // Parts of one document. @throws RecipeError
  [[nodiscard]] text::jinja::Value text(
      const text::jinja::Value& document) const;  ///< a text, or a number with several inputs
  [[nodiscard]] text::jinja::Value target(const text::jinja::Value& document) const;  ///< text, number or list
  [[nodiscard]] std::vector<std::string> choices(const text::jinja::Value& document) const;
  [[nodiscard]] bool has_choices() const { return choice_.given(); }
  /// doc_to_text gives the number of one of several inputs (WinoGrande's form).
  [[nodiscard]] bool has_multiple_inputs() const { return multiple_inputs_; }
  /// doc_to_target gives lists.
  [[nodiscard]] bool has_multiple_targets() const { return multiple_targets_; }
  [[nodiscard]] bool uses_metric(std::string_view name) const;

 private:
  /// The fields that examples use; the task's own where fewshot_config says nothing.
  struct Fields {
    DocumentField text;
    DocumentField target;
    DocumentField choice;
    DocumentField gen_prefix;
  };
  [[nodiscard]] text::jinja::Value text(const text::jinja::Value& document, const DocumentField& field) const;
  [[nodiscard]] text::jinja::Value target(const text::jinja::Value& document, const DocumentField& field) const;
  [[nodiscard]] std::vector<std::string> choices(const text::jinja::Value& document, const DocumentField& field) const;
  void load(const DataSearch& search);
  void load_examples();
  [[nodiscard]] BuiltinFunction::Documents documents_function(const text::jinja::Value& config) const;
  [[nodiscard]] std::shared_ptr<const Media> media(const text::jinja::Value& document) const;

  TaskConfig config_;
  Dataset dataset_;
  std::vector<std::filesystem::path> data_files_;
  std::vector<text::jinja::Value> documents_;
  DocumentField text_;
  DocumentField target_;
  DocumentField choice_;
  DocumentField description_;
  DocumentField gen_prefix_;
  std::vector<DocumentField> images_;
  std::vector<DocumentField> sounds_;
  std::vector<DocumentField> clips_;
  Fields shots_;
  std::vector<text::jinja::Value> examples_;  ///< that few-shot examples are taken from
  bool multiple_inputs_ = false;
  bool multiple_targets_ = false;

  friend class PromptBuilder;
};

}  // namespace cambium::tasks
