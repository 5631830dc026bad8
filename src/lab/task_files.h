#pragma once

#include <string>
#include <vector>

#include "lab/exercise.h"
#include "lab/skill.h"

namespace cambium::lab {

/// A test in lm-evaluation-harness's form.
struct TaskFile {
  std::string name;
  std::string what;
  Scoring scoring = Scoring::kChoice;
  std::string tag;
  std::string medium;         ///< image, video or audio; empty: text alone
  std::string medium_column;  ///< column of the data with the files
};

/// The YAML; data in tasks/data/NAME.jsonl.
[[nodiscard]] std::string task_yaml(const TaskFile& task);

/// JSON lines, with "tags": <TAG> once for each file. {"id", "question", "answer", "choices"?, "topic", "images"?}.
/// `medium` of an exercise holds its files, one a line.
[[nodiscard]] std::string test_rows(const std::vector<Exercise>& exercises, const std::string& medium_column,
                                    const std::string& tag);

}  // namespace cambium::lab
