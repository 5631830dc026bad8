#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja_value.h"

namespace cambium::tasks {

/// Metric names and one document's values.
using MetricValues = std::vector<std::pair<std::string, text::jinja::Value>>;

/// A function that lm-evaluation-harness writes in Python beside a task file, written here: found by the folder of the
/// task file and the name behind `!function`. Exactly one of the pointers is set.
struct BuiltinFunction {
  /// process_docs: changes the rows of a split.
  using Documents = void (*)(std::vector<text::jinja::Value>& documents);
  /// doc_to_text, doc_to_target, doc_to_choice ...
  using Field = text::jinja::Value (*)(const text::jinja::Value& document);
  /// process_results: the metrics of one document. @param responses  (log-likelihood, greedy) tuples, or texts
  using Results = MetricValues (*)(const text::jinja::Value& document,
                                   const std::vector<text::jinja::Value>& responses);
  /// aggregation of one metric over all documents
  using Aggregation = double (*)(const std::vector<text::jinja::Value>& values);

  std::string_view name;  ///< "FOLDER/module.function"
  Documents documents = nullptr;
  Field field = nullptr;
  Results results = nullptr;
  Aggregation aggregation = nullptr;
};

/// @param name  as function_name() gives it @param task for messages
/// @throws RecipeError  there is none: it is Python code that is not run here
[[nodiscard]] const BuiltinFunction& builtin_function(std::string_view name, std::string_view task);
[[nodiscard]] bool has_builtin_function(std::string_view name);
/// What to say about a function that there is not.
[[nodiscard]] std::string unknown_function(std::string_view name);

}  // namespace cambium::tasks
