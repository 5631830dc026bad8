#pragma once

#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "text/jinja_value.h"

namespace cambium::eval {

/// Writes results_TIME.json, and samples_TASK_TIME.jsonl where asked, as lm-evaluation-harness names them:
/// OUTPUT_PATH/MODEL_NAME/..., or beside OUTPUT_PATH if that ends with .json. Each file appears when it is complete.
/// @param results  as harness_results made them
/// @return         the files, results first
/// @throws SystemError
[[nodiscard]] std::vector<std::string> write_harness_files(const std::string& output_path,
                                                           const text::jinja::Value& results,
                                                           const Evaluation& evaluation, bool log_samples);

}  // namespace cambium::eval
