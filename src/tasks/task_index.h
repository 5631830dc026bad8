#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tasks/task.h"
#include "tasks/yaml_value.h"

namespace cambium::tasks {

/// How a group makes one number of its tasks' metric.
struct GroupMetric {
  std::string metric;
  std::vector<std::string> filters;  ///< empty: all that the tasks have
  bool weight_by_size = true;
};

/// Tasks and groups under one name.
struct Group {
  std::string name;
  std::string alias;
  std::vector<GroupMetric> metrics;  ///< empty: the group has no score of its own
  text::jinja::Value metadata;
  std::vector<std::string> tasks;     ///< names of direct children that are tasks, in order
  std::vector<Group> groups;          ///< direct children that are groups
  std::vector<std::string> children;  ///< names of both, in order
  /// All tasks below it, in order.
  [[nodiscard]] std::vector<std::string> all_tasks() const;
};

/// What a list of names stands for.
struct TaskSet {
  std::vector<std::shared_ptr<const Task>> tasks;  ///< each once, in order
  std::vector<Group> groups;                       ///< the groups that were named, in order
  /// Why tasks could not be loaded. Their groups name them still, so these have no number.
  std::vector<std::string> errors;
  [[nodiscard]] const Task* find(std::string_view name) const;
};

/// The task, group and tag names that folders of task files define.
class TaskIndex {
 public:
  /// Reads all *.yaml below the folders; a name in a later folder replaces the same in an earlier one. Files that are
  /// no task files are passed over (find_error() tells why, if a name is looked for in vain).
  explicit TaskIndex(const std::vector<std::filesystem::path>& folders);

  /// Names of tasks, groups and tags, sorted.
  [[nodiscard]] std::vector<std::string> names() const;

  /// The names without patterns, each once, in order.
  /// @throws RecipeError  an unknown name, with the nearest
  [[nodiscard]] std::vector<std::string> expanded(const std::vector<std::string>& names) const;

  /// Loads tasks with their data.
  /// @param names   of tasks, groups, tags; patterns with * and ?; paths of task files
  /// @param search  where data files are
  /// @return        the tasks that can be loaded, and why others cannot
  /// @throws RecipeError  an unknown name (with the nearest), or no task can be loaded
  [[nodiscard]] TaskSet load(const std::vector<std::string>& names, const DataSearch& search) const;

 private:
  enum class Kind { kTask, kGroup, kTag };
  struct Entry {
    Kind kind = Kind::kTask;
    std::filesystem::path file;
    std::set<std::string> tagged;  ///< of a tag: its tasks
  };
  class Loader;

  void add_file(const std::filesystem::path& file, std::map<std::string, Entry>& entries);

  std::map<std::string, Entry> entries_;
  std::map<std::string, std::string> unreadable_;  ///< file: why
};

}  // namespace cambium::tasks
