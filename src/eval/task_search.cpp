#include "eval/task_search.h"

#include <fmt/format.h>

#include <utility>

#include "tasks/shipped_tasks.h"
#include "tensor/error.h"

namespace cambium::eval {

namespace {

namespace fs = std::filesystem;

}  // namespace

LoadedTasks load_tasks(const std::vector<std::string>& names, const TaskSearch& search) {
  std::vector<fs::path> folders;
  tasks::DataSearch data;
  data.folders = {"."};
  const auto add_folder = [](std::vector<fs::path>& to, const std::string& folder, const char* option) {
    if (!fs::is_directory(folder)) throw UsageError(fmt::format("{} {}: there is no such folder", option, folder));
    to.emplace_back(folder);
  };
  for (const std::string& root : search.data_roots) add_folder(data.folders, root, "--data-root");
  if (const fs::path shipped = tasks::shipped_task_folder(); !shipped.empty()) folders.push_back(shipped);
  for (const std::string& folder : search.include_paths) {
    add_folder(folders, folder, "--include_path");
    data.folders.emplace_back(folder);
  }
  if (const fs::path shipped = tasks::shipped_task_folder(); !shipped.empty())
    data.folders.push_back(shipped.parent_path() / "data");

  const tasks::TaskIndex index(folders);
  LoadedTasks loaded;
  loaded.data = data;
  // A name that nothing has is a slip of the pen: better said before hours of computing than after.
  try {
    static_cast<void>(index.expanded(names));
  } catch (const RecipeError& error) {
    throw UsageError(error.what());
  }
  loaded.set = index.load(names, data);
  loaded.errors = loaded.set.errors;
  return loaded;
}

}  // namespace cambium::eval
