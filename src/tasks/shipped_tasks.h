#pragma once

#include <filesystem>

namespace cambium::tasks {

/// The folder of the task files that come with the program: CAMBIUM_TASKS if set, else `share/cambium/tasks` beside the
/// program's folder, else `tasks` of the sources that it was built from. Empty if there is none.
[[nodiscard]] std::filesystem::path shipped_task_folder();

}  // namespace cambium::tasks
