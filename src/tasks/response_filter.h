#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task_config.h"
#include "text/jinja_value.h"
#include "text/python_regex.h"

namespace cambium::tasks {

/// Checks a step's name and arguments. @throws RecipeError  unknown (with the nearest known), or an argument it does
/// not take
void check_filter(const FilterStep& step);

/// A filter pipeline ready to run; its patterns are compiled once.
class ResponseFilter {
 public:
  /// The pipeline must outlive the filter.
  explicit ResponseFilter(const FilterPipeline& pipeline) : pipeline_(pipeline) {}

  /// @param answers   a list with each repeat's answer: a text, or a (log-likelihood, greedy) tuple
  /// @param document  that the request is about
  /// @return          as the last step leaves it: one answer, or a list of them
  /// @throws RecipeError  an answer of a kind that a step cannot take
  [[nodiscard]] text::jinja::Value apply(const text::jinja::Value& answers, const text::jinja::Value& document);

 private:
  const FilterPipeline& pipeline_;
  std::map<std::string, text::PythonRegex> patterns_;
};

}  // namespace cambium::tasks
