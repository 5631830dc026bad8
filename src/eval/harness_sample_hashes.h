#pragma once

#include <string>

#include "eval/evaluate.h"

namespace cambium::eval {

/// SHA-256 of what lm-evaluation-harness hashes of a sample: equal hashes, equal question.
struct SampleHashes {
  std::string document;
  std::string prompt;  ///< of the sample's first request
  std::string target;
};
[[nodiscard]] SampleHashes sample_hashes(const TaskOutcome& outcome, const tasks::SampleScore& sample);

/// Python's str(value).
[[nodiscard]] std::string python_text(const text::jinja::Value& value);

}  // namespace cambium::eval
