#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tasks/task_index.h"

namespace cambium::eval {

/// Where a run looks for tasks and their data.
struct TaskSearch {
  std::vector<std::string> include_paths;  ///< folders of task files; a name there replaces a shipped one
  std::vector<std::string> data_roots;
};

struct LoadedTasks {
  tasks::TaskSet set;
  tasks::DataSearch data;           ///< where the data was looked for
  std::vector<std::string> errors;  ///< of names whose file or data is wrong
};

/// Loads tasks; one that cannot be loaded leaves the others. Data files are looked for in the working directory, the
/// data roots, the include paths, and the data folder beside the shipped tasks.
/// @throws UsageError   a name that nothing has (nothing is loaded then), or a folder that is not there
/// @throws RecipeError  no task at all could be loaded
[[nodiscard]] LoadedTasks load_tasks(const std::vector<std::string>& names, const TaskSearch& search);

}  // namespace cambium::eval
