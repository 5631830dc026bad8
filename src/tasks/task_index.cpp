#include "tasks/task_index.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>

#include "tasks/builtin_functions.h"
#include "tasks/task_config.h"
#include "tasks/text_file.h"
#include "tensor/error.h"
#include "text/jinja_nearest.h"
#include "text/jinja_operators.h"

namespace cambium::tasks {
namespace {

namespace fs = std::filesystem;
namespace jinja = text::jinja;
using jinja::Value;

constexpr std::array<std::string_view, 5> kGroupKeys{"group", "group_alias", "task", "aggregate_metric_list",
                                                     "metadata"};
constexpr int kMaxIncludeDepth = 20;

Value get(const Value& mapping, std::string_view key) {
  const Value* found = mapping.as_dict().find(key);
  return found == nullptr ? Value() : *found;
}

bool is_group_key(std::string_view key) { return std::ranges::find(kGroupKeys, key) != kGroupKeys.end(); }

// The entries of `over` replace those of `base`.
Value merged(const Value& base, const Value& over) {
  Value result = Value::dict();
  for (const Value* part : {&base, &over}) {
    if (!part->is_dict()) continue;
    for (const auto& [key, value] : part->as_dict().entries()) result.as_dict().set(key.as_string(), value);
  }
  return result;
}

std::vector<std::string> texts_of(const Value& value) {
  std::vector<std::string> texts;
  if (value.is_string()) texts.push_back(value.as_string());
  if (value.is_sequence()) {
    for (const Value& item : value.items()) {
      if (item.is_string()) texts.push_back(item.as_string());
    }
  }
  return texts;
}

// Whether a file that could not be read as a task has the name in it.
bool mentions(const std::string& file, const std::string& name) {
  try {
    return read_text_file(file).find(name) != std::string::npos;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::vector<std::string> Group::all_tasks() const {
  std::vector<std::string> all;
  const auto add = [&](const std::string& task) {
    if (std::ranges::find(all, task) == all.end()) all.push_back(task);
  };
  for (const std::string& child : children) {
    const auto group = std::ranges::find(groups, child, &Group::name);
    if (group == groups.end()) {
      add(child);
    } else {
      for (const std::string& task : group->all_tasks()) add(task);
    }
  }
  return all;
}

const Task* TaskSet::find(std::string_view name) const {
  const auto found = std::ranges::find_if(tasks, [&](const auto& task) { return task->name() == name; });
  return found == tasks.end() ? nullptr : found->get();
}

TaskIndex::TaskIndex(const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    if (!fs::is_directory(folder))
      throw RecipeError(fmt::format("the folder of task files {} is not there", folder.string()));
    std::vector<fs::path> files;
    for (const auto& item : fs::recursive_directory_iterator(folder, fs::directory_options::skip_permission_denied)) {
      if (item.is_regular_file() && (item.path().extension() == ".yaml" || item.path().extension() == ".yml"))
        files.push_back(item.path());
    }
    std::ranges::sort(files);
    std::map<std::string, Entry> found;
    for (const fs::path& file : files) add_file(file, found);
    for (auto& [name, entry] : found) entries_[name] = std::move(entry);
  }
}

void TaskIndex::add_file(const fs::path& file, std::map<std::string, Entry>& entries) {
  YamlMapping mapping;
  try {
    mapping = read_task_file(file);
  } catch (const Error& error) {
    unreadable_[file.string()] = error.what();
    return;
  }
  const Value group = get(mapping.value, "group");
  const Value task = get(mapping.value, "task");
  if (!get(mapping.value, "class").is_none()) {
    unreadable_[file.string()] = "the task is a Python class";
  } else if (group.is_string()) {
    entries.try_emplace(group.as_string(), Entry{.kind = Kind::kGroup, .file = file, .tagged = {}});
  } else if (task.is_string()) {
    if (!entries.try_emplace(task.as_string(), Entry{.kind = Kind::kTask, .file = file, .tagged = {}}).second) return;
    for (const std::string& tag : texts_of(get(mapping.value, "tag"))) {
      const auto [entry, fresh] = entries.try_emplace(tag, Entry{.kind = Kind::kTag, .file = {}, .tagged = {}});
      entry->second.tagged.insert(task.as_string());
    }
  } else {
    unreadable_[file.string()] = "it names no task and no group";
  }
}

std::vector<std::string> TaskIndex::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

std::vector<std::string> TaskIndex::expanded(const std::vector<std::string>& names) const {
  std::vector<std::string> result;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(result, name) == result.end()) result.push_back(name);
  };
  for (const std::string& name : names) {
    const bool is_file = (name.ends_with(".yaml") || name.ends_with(".yml")) && fs::is_regular_file(name);
    if (is_file || entries_.contains(name)) {
      add(name);
      continue;
    }
    bool matched = false;
    for (const auto& [known, entry] : entries_) {
      if (::fnmatch(name.c_str(), known.c_str(), 0) != 0) continue;
      add(known);
      matched = true;
    }
    if (matched) continue;
    std::vector<std::string_view> known;
    for (const auto& [other, entry] : entries_) known.push_back(other);
    std::string message = fmt::format("unknown task '{}'.{}", name, jinja::nearest_names(name, known));
    for (const auto& [file, why] : unreadable_) {
      if (fs::path(file).stem() == name || mentions(file, name))
        message += fmt::format(" {} could not be used: {}.", file, why);
    }
    if (known.empty()) message += " No task files were found.";
    throw RecipeError(message);
  }
  return result;
}

/// Makes tasks and groups; each task once, whatever group it stands in.
class TaskIndex::Loader {
 public:
  Loader(const TaskIndex& index, const DataSearch& search) : index_(index), search_(search) {
    if (search_.cache == nullptr) search_.cache = std::make_shared<DataCache>();
  }

  void add(const std::string& name) {
    const auto entry = index_.entries_.find(name);
    if (entry == index_.entries_.end()) {
      add_file(name);
    } else if (entry->second.kind == Kind::kTask) {
      add_task(entry->second.file, Value());
    } else if (entry->second.kind == Kind::kGroup) {
      const YamlMapping mapping = read_task_file(entry->second.file);
      set_.groups.push_back(make_group(name, mapping, mapping.value, Value(), 0));
    } else {
      for (const std::string& task : entry->second.tagged) static_cast<void>(add_member(task, Value()));
    }
  }

  /// One of several: if it cannot be loaded, the others are not lost.
  void add_one(const std::string& name) {
    try {
      add(name);
    } catch (const RecipeError& error) {
      set_.errors.emplace_back(error.what());
    }
  }

  TaskSet take() {
    if (set_.tasks.empty() && !set_.errors.empty()) {
      throw RecipeError(fmt::format("{}", fmt::join(set_.errors, "\n")));
    }
    return std::move(set_);
  }

 private:
  void add_file(const fs::path& file) {
    const YamlMapping mapping = read_task_file(file);
    const Value group = get(mapping.value, "group");
    if (group.is_string()) {
      set_.groups.push_back(make_group(group.as_string(), mapping, mapping.value, Value(), 0));
    } else {
      add_config(TaskConfig::from(mapping.value, mapping.places, file));
    }
  }

  std::string add_task(const fs::path& file, const Value& overrides) {
    const YamlMapping mapping = read_task_file(file);
    return add_config(TaskConfig::from(merged(mapping.value, overrides), mapping.places, file));
  }

  // One of several: if it cannot be loaded, the others are not lost.
  std::string add_member(const std::string& name, const Value& overrides) {
    try {
      return add_task(index_.entries_.at(name).file, overrides);
    } catch (const RecipeError& error) {
      set_.errors.emplace_back(error.what());
      return name;
    }
  }

  std::string add_config(TaskConfig config) {
    std::string name = config.task;
    if (set_.find(name) == nullptr) set_.tasks.push_back(std::make_shared<const Task>(std::move(config), search_));
    return name;
  }

  static std::vector<GroupMetric> group_metrics(const Value& config, const std::string& group) {
    std::vector<GroupMetric> metrics;
    const Value list = get(config, "aggregate_metric_list");
    if (list.is_none()) return metrics;
    for (const Value& entry : list.is_dict()       ? std::vector<Value>{list}
                              : list.is_sequence() ? list.items()
                                                   : std::vector<Value>{}) {
      const Value name = entry.is_dict() ? get(entry, "metric") : Value();
      if (!name.is_string()) {
        const std::string function = function_name(name);
        throw RecipeError(fmt::format("group '{}': aggregate_metric_list: {}", group,
                                      function.empty() ? "an entry needs a 'metric'" : unknown_function(function)));
      }
      const Value aggregation = get(entry, "aggregation");
      if (!aggregation.is_none() && !(aggregation.is_string() && aggregation.as_string() == "mean")) {
        throw RecipeError(
            fmt::format("group '{}': aggregate_metric_list: only the aggregation 'mean' is known", group));
      }
      const Value weighted = get(entry, "weight_by_size");
      metrics.push_back({.metric = name.as_string(),
                         .filters = texts_of(get(entry, "filter_list")),
                         .weight_by_size = weighted.is_none() || jinja::truthy(weighted)});
    }
    return metrics;
  }

  // What a group's file says beyond the group itself holds for its tasks.
  static Value task_keys(const Value& config) {
    Value keys = Value::dict();
    for (const auto& [key, value] : config.as_dict().entries()) {
      if (!is_group_key(key.as_string())) keys.as_dict().set(key.as_string(), value);
    }
    return keys;
  }

  Group make_group(const std::string& name, const YamlMapping& mapping, const Value& config, const Value& overrides,
                   int depth) {
    if (depth > kMaxIncludeDepth) throw RecipeError(fmt::format("group '{}': groups within groups without end", name));
    Group group;
    group.name = name;
    const Value alias = get(config, "group_alias");
    group.alias = alias.is_string() ? alias.as_string() : name;
    group.metadata = get(config, "metadata");
    group.metrics = group_metrics(config, name);
    const Value inherited = merged(task_keys(config), overrides);
    const Value members = get(config, "task");
    if (!members.is_sequence() && !members.is_string()) {
      const auto place = mapping.places.find("task");
      throw RecipeError(fmt::format("{}: group '{}': 'task' must be a list of names",
                                    place == mapping.places.end() ? std::string("task file") : place->second.text(),
                                    name));
    }
    for (const Value& member : members.is_string() ? std::vector<Value>{members} : members.items()) {
      add_member(group, mapping, member, inherited, depth);
    }
    return group;
  }

  static void put_task(Group& group, const std::string& name) {
    if (std::ranges::find(group.children, name) != group.children.end()) return;
    group.tasks.push_back(name);
    group.children.push_back(name);
  }

  static void put_group(Group& group, Group child) {
    group.children.push_back(child.name);
    group.groups.push_back(std::move(child));
  }

  void add_member(Group& group, const YamlMapping& mapping, const Value& member, const Value& inherited, int depth) {
    std::string name;
    Value overrides = inherited;
    if (member.is_string()) {
      name = member.as_string();
    } else if (member.is_dict() && get(member, "group").is_string()) {
      name = get(member, "group").as_string();
      if (!index_.entries_.contains(name)) {
        put_group(group, make_group(fmt::format("{}::{}", group.name, name), mapping, member, inherited, depth + 1));
        return;
      }
      Value own = Value::dict();
      for (const auto& [key, value] : member.as_dict().entries()) {
        if (key.as_string() != "group") own.as_dict().set(key.as_string(), value);
      }
      overrides = merged(inherited, own);
    } else if (member.is_dict() && get(member, "task").is_string()) {
      name = get(member, "task").as_string();
      overrides = merged(inherited, member);
    } else {
      throw RecipeError(
          fmt::format("group '{}': a member must be a name, or a mapping with 'task' or 'group'", group.name));
    }

    const auto entry = index_.entries_.find(name);
    if (entry == index_.entries_.end()) {
      if (!member.is_dict()) {
        throw RecipeError(fmt::format("group '{}': unknown task '{}'.{}", group.name, name,
                                      jinja::nearest_names(name, known_names())));
      }
      // A task written out inside the group.
      const std::string own = fmt::format("{}::{}", group.name, name);
      Value config = merged(overrides, Value::dict({{"task", Value::string(own)}}));
      put_task(group, add_config(TaskConfig::from(config, mapping.places, "group " + group.name)));
    } else if (entry->second.kind == Kind::kGroup) {
      const YamlMapping inner = read_task_file(entry->second.file);
      put_group(group, make_group(name, inner, inner.value, overrides, depth + 1));
    } else if (entry->second.kind == Kind::kTag) {
      for (const std::string& task : entry->second.tagged) {
        put_task(group, add_member(task, without_name(overrides)));
      }
    } else {
      put_task(group, add_member(name, without_name(overrides)));
    }
  }

  static Value without_name(const Value& overrides) {
    Value kept = Value::dict();
    for (const auto& [key, value] : overrides.as_dict().entries()) {
      if (key.as_string() != "task") kept.as_dict().set(key.as_string(), value);
    }
    return kept;
  }

  std::vector<std::string_view> known_names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, entry] : index_.entries_) names.push_back(name);
    return names;
  }

  const TaskIndex& index_;
  DataSearch search_;
  TaskSet set_;
};

TaskSet TaskIndex::load(const std::vector<std::string>& names, const DataSearch& search) const {
  Loader loader(*this, search);
  for (const std::string& name : expanded(names)) loader.add_one(name);
  return loader.take();
}

}  // namespace cambium::tasks
