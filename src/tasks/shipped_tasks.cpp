#include "tasks/shipped_tasks.h"

#include <cstdlib>
#include <system_error>

namespace cambium::tasks {

namespace fs = std::filesystem;

fs::path shipped_task_folder() {
  if (const char* given = std::getenv("CAMBIUM_TASKS"); given != nullptr && *given != '\0') return given;
  std::error_code none;
  const fs::path above = fs::read_symlink("/proc/self/exe", none).parent_path().parent_path();
  for (const fs::path& folder : {above / "share/cambium/tasks", fs::path(CAMBIUM_TASKS_FOLDER)}) {
    if (fs::is_directory(folder, none)) return folder;
  }
  return {};
}

}  // namespace cambium::tasks
