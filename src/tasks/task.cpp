#include "tasks/task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tasks/python_literal.h"
#include "tensor/error.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_runtime.h"

namespace cambium::tasks {
namespace {

namespace jinja = text::jinja;
using jinja::Value;

bool is_number_text(std::string_view text) {
  return !text.empty() && text.size() < 19 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Value optional_text(const std::optional<std::string>& text) { return text ? Value::string(*text) : Value(); }

// One field, or a list of them.
std::vector<DocumentField> media_fields(const Value& config, const std::vector<std::string>& columns,
                                        std::string_view task, std::string_view key) {
  std::vector<DocumentField> fields;
  if (config.is_none()) return fields;
  for (const Value& one : config.is_sequence() ? config.items() : std::vector<Value>{config}) {
    fields.emplace_back(one, columns, task, key);
  }
  return fields;
}

}  // namespace

Task::Task(TaskConfig config, const DataSearch& search) : config_(std::move(config)) { load(search); }

void Task::load(const DataSearch& search) {
  dataset_ = Dataset::read(config_.dataset_path, config_.dataset_kwargs, search, config_.task);
  data_files_ = dataset_.files();
  // An optional split that is not there is as if the file had not named it.
  for (std::optional<std::string>* split :
       {&config_.training_split, &config_.validation_split, &config_.test_split, &config_.fewshot.split}) {
    if (*split && dataset_.left_out(**split)) split->reset();
  }
  if (!config_.test_split && !config_.validation_split)
    throw RecipeError(fmt::format("task '{}': the data has neither of its splits to be asked", config_.task));
  const Split& asked = dataset_.split(config_.test_split ? *config_.test_split : *config_.validation_split);
  documents_ = asked.rows;
  if (documents_.empty()) throw RecipeError(fmt::format("task '{}': the data has no documents", config_.task));
  std::vector<std::string> columns = asked.columns;
  if (!config_.process_docs.is_none()) {
    documents_function(config_.process_docs)(documents_);
    columns.clear();
    for (const auto& [key, value] : documents_.front().as_dict().entries()) columns.push_back(key.as_string());
  }
  const auto field = [&](const Value& value, std::string_view key) {
    return DocumentField(value, columns, config_.task, key);
  };
  text_ = field(config_.doc_to_text, "doc_to_text");
  target_ = field(config_.doc_to_target, "doc_to_target");
  choice_ = field(config_.doc_to_choice, "doc_to_choice");
  if (!config_.description.empty()) description_ = field(Value::string(config_.description), "description");
  gen_prefix_ = field(optional_text(config_.gen_prefix), "gen_prefix");
  images_ = media_fields(config_.doc_to_image, columns, config_.task, "doc_to_image");
  sounds_ = media_fields(config_.doc_to_audio, columns, config_.task, "doc_to_audio");
  clips_ = media_fields(config_.doc_to_video, columns, config_.task, "doc_to_video");
  const FewShotConfig& own = config_.fewshot;
  shots_.text = own.doc_to_text.is_none() ? text_ : field(own.doc_to_text, "fewshot_config: doc_to_text");
  shots_.target = own.doc_to_target.is_none() ? target_ : field(own.doc_to_target, "fewshot_config: doc_to_target");
  shots_.choice = own.doc_to_choice.is_none() ? choice_ : field(own.doc_to_choice, "fewshot_config: doc_to_choice");
  shots_.gen_prefix = field(optional_text(own.gen_prefix), "fewshot_config: gen_prefix");

  load_examples();
  // The first document tells what the fields give.
  const Value& first = documents_.front();
  try {
    multiple_inputs_ = has_choices() && text(first).is_integral();
    multiple_targets_ = target(first).is_sequence();
    static_cast<void>(has_choices() ? choices(first) : std::vector<std::string>{});
  } catch (const RecipeError& error) {
    throw RecipeError(fmt::format("{} (document 0 of {})", error.what(), documents_.size()));
  }
}

BuiltinFunction::Documents Task::documents_function(const Value& config) const {
  const std::string name = function_name(config);
  const BuiltinFunction& function = builtin_function(name, config_.task);
  if (function.documents == nullptr)
    throw RecipeError(fmt::format("task '{}': !function {} does not change documents", config_.task, name));
  return function.documents;
}

Value Task::version() const {
  const Value* version = config_.metadata.is_dict() ? config_.metadata.as_dict().find("version") : nullptr;
  return version == nullptr ? Value::string("Yaml") : *version;
}

int Task::num_fewshot(const PromptOptions& options) const {
  if (config_.num_fewshot == 0) return 0;
  return options.num_fewshot.value_or(config_.num_fewshot.value_or(0));
}

std::vector<std::size_t> Task::selected(const PromptOptions& options) const {
  std::vector<std::size_t> numbers;
  if (!options.samples.empty()) {
    numbers = options.samples;
    std::ranges::sort(numbers);
    if (numbers.back() >= documents_.size()) {
      throw RecipeError(fmt::format("task '{}': document {} is asked for, but there are only {}", config_.task,
                                    numbers.back(), documents_.size()));
    }
    return numbers;
  }
  std::size_t count = documents_.size();
  if (options.limit) {
    const double limit =
        *options.limit < 1 ? std::ceil(static_cast<double>(count) * *options.limit) : std::floor(*options.limit);
    count = std::min(count, static_cast<std::size_t>(std::max(limit, 0.0)));
  }
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

Value Task::text(const Value& document) const { return text(document, text_); }
Value Task::target(const Value& document) const { return target(document, target_); }
std::vector<std::string> Task::choices(const Value& document) const { return choices(document, choice_); }

Value Task::text(const Value& document, const DocumentField& field) const {
  Value value = field.of(document);
  if (field.is_template() && has_choices() && is_number_text(value.as_string())) {
    return Value::integer_from_digits(value.as_string());
  }
  return value;
}

Value Task::target(const Value& document, const DocumentField& field) const {
  Value value = field.of(document);
  if (!field.is_template()) return value;
  const std::string& text = value.as_string();
  if (has_choices() && is_number_text(text)) return Value::integer_from_digits(text);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    if (const std::optional<Value> literal = parse_python_literal(text)) return *literal;
  }
  return value;
}

std::vector<std::string> Task::choices(const Value& document, const DocumentField& field) const {
  Value value = field.of(document);
  if (field.is_template()) {
    const std::optional<Value> literal = parse_python_literal(value.as_string());
    if (!literal) {
      throw RecipeError(
          fmt::format("task '{}': doc_to_choice gives '{}', which is no list", config_.task, value.as_string()));
    }
    value = *literal;
  }
  if (!value.is_sequence() || value.items().empty()) {
    throw RecipeError(
        fmt::format("task '{}': doc_to_choice gives {}, expected a list", config_.task, jinja::type_name(value)));
  }
  std::vector<std::string> choices;
  for (const Value& item : value.items()) {
    if (!item.is_string()) {
      throw RecipeError(fmt::format("task '{}': doc_to_choice gives {} among its choices, expected texts", config_.task,
                                    jinja::type_name(item)));
    }
    choices.push_back(item.as_string());
  }
  return choices;
}

bool Task::uses_metric(std::string_view name) const {
  return std::ranges::find(config_.metrics, name, &MetricConfig::name) != config_.metrics.end();
}

void Task::load_examples() {
  const FewShotConfig& shots = config_.fewshot;
  // Where the examples come from: named, written in the file, else the first split there is.
  std::optional<std::string> split = shots.split;
  if (!split && shots.samples) {
    examples_ = *shots.samples;
  } else {
    if (!split)
      split = config_.training_split     ? config_.training_split
              : config_.validation_split ? config_.validation_split
                                         : config_.test_split;
    examples_ = dataset_.split(*split).rows;
    const std::string& asked = config_.test_split ? *config_.test_split : *config_.validation_split;
    const Value& process = shots.split ? shots.process_docs : config_.process_docs;
    // The same rows have been processed already.
    if (!process.is_none() && *split != asked) documents_function(process)(examples_);
  }
  if (shots.indices.empty()) return;
  std::vector<Value> chosen;
  for (const std::size_t index : shots.indices) {
    if (index >= examples_.size()) {
      throw RecipeError(fmt::format("task '{}': fewshot_indices: {} is beyond the {} documents", config_.task, index,
                                    examples_.size()));
    }
    chosen.push_back(examples_[index]);
  }
  examples_ = std::move(chosen);
}

std::shared_ptr<const Media> Task::media(const Value& document) const {
  if (images_.empty() && sounds_.empty() && clips_.empty()) return nullptr;
  auto media = std::make_shared<Media>();
  const auto add = [&](std::vector<Value>& to, const std::vector<DocumentField>& fields) {
    for (const DocumentField& field : fields) {
      Value value = field.of(document);
      if (field.is_template()) {
        if (const std::optional<Value> literal = parse_python_literal(value.as_string())) value = *literal;
      }
      if (value.is_none()) continue;
      if (value.is_sequence()) {
        to.insert(to.end(), value.items().begin(), value.items().end());
      } else {
        to.push_back(std::move(value));
      }
    }
  };
  add(media->images, images_);
  add(media->sounds, sounds_);
  add(media->clips, clips_);
  return media;
}

}  // namespace cambium::tasks
