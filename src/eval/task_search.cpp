#include "eval/task_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "tasks/shipped_tasks.h"
#include "tensor/error.h"

namespace cambium::eval {

namespace {

namespace fs = std::filesystem;

bool is_pattern_or_file(const std::string& name) {
  return name.find_first_of("*?/") != std::string::npos || name.ends_with(".yaml") || name.ends_with(".yml");
}

// Each task once.
void join(tasks::TaskSet& all, tasks::TaskSet more) {
  for (auto& task : more.tasks) {
    if (all.find(task->name()) == nullptr) all.tasks.push_back(std::move(task));
  }
  all.errors.insert(all.errors.end(), more.errors.begin(), more.errors.end());
  for (tasks::Group& group : more.groups) {
    if (std::ranges::find(all.groups, group.name, &tasks::Group::name) == all.groups.end()) {
      all.groups.push_back(std::move(group));
    }
  }
}

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
  const std::vector<std::string> known = index.names();
  LoadedTasks loaded;
  loaded.data = data;
  // A name that nothing has is a slip of the pen: better said before hours of computing than after.
  for (const std::string& name : names) {
    if (is_pattern_or_file(name) || std::ranges::find(known, name) != known.end()) continue;
    try {
      static_cast<void>(index.load({name}, data));
    } catch (const RecipeError& error) {
      throw UsageError(error.what());
    }
  }
  try {
    loaded.set = index.load(names, data);
    loaded.errors = loaded.set.errors;
    return loaded;
  } catch (const RecipeError& error) {
    if (names.size() == 1) throw;
  }
  for (const std::string& name : names) {
    try {
      tasks::TaskSet set = index.load({name}, data);
      loaded.errors.insert(loaded.errors.end(), set.errors.begin(), set.errors.end());
      join(loaded.set, std::move(set));
    } catch (const RecipeError& error) {
      loaded.errors.emplace_back(error.what());
    }
  }
  loaded.errors.insert(loaded.errors.end(), loaded.set.errors.begin(), loaded.set.errors.end());
  if (loaded.set.tasks.empty()) throw RecipeError(fmt::format("{}", fmt::join(loaded.errors, "\n")));
  return loaded;
}

}  // namespace cambium::eval
