#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"
#include "text/python_regex.h"

namespace cambium::tasks {

/// The metric exact_match with its flags: patterns are removed from both sides in order, then case, ASCII punctuation
/// and digits are ignored as asked.
class ExactMatch {
 public:
  /// @param arguments  a dict: regexes_to_ignore, ignore_case, ignore_punctuation, ignore_numbers
  /// @throws ValueError  a pattern that is none
  explicit ExactMatch(const text::jinja::Value& arguments);

  [[nodiscard]] bool operator()(std::string_view answer, std::string_view reference) const;
  /// A text as it is compared.
  [[nodiscard]] std::string normalised(std::string_view text) const;

 private:
  std::vector<text::PythonRegex> ignored_;
  bool ignore_case_ = false;
  bool ignore_punctuation_ = false;
  bool ignore_numbers_ = false;
};

}  // namespace cambium::tasks
