#include "tasks/shipped_tasks.h"

#include <cstdlib>
#include <system_error>

namespace cambium::tasks {

namespace fs = std::filesystem;

fs::path shipped_task_folder() {
  if (const char* given = std::getenv("CAMBIUM_TASKS"); given != nullptr && *given != '\0') return given;
  std::error_code none;
  const fs::path program = fs::read_symlink("/proc/self/exe", none);
  if (none) return {};
  // PREFIX/bin/cambium, or SOURCE/build/PRESET/bin/cambium.
  const fs::path above = program.parent_path().parent_path();
  for (const fs::path& folder : {above / "share/cambium/tasks", above.parent_path().parent_path() / "tasks"}) {
    if (fs::is_regular_file(folder / "gsm8k/gsm8k.yaml", none)) return folder;
  }
  return {};
}

}  // namespace cambium::tasks
