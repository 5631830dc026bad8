#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "eval/store/database.h"
#include "eval/store/stored_run.h"

namespace cambium::eval {

/// Reads what evaluations have stored. Nothing of it needs libtorch: a command that runs no model links
/// cambium_eval_store.
///
///   const StoreReader store("runs.db");
///   const StoredRun before = store.find("base"), after = store.find("grafted");
///   for (const StoredTask& task : store.tasks(before.id))
///     pair(store.samples(before.id, task.name), store.samples(after.id, task.name));  // both sorted by document
///
/// Two runs answered the same questions of a task if its fingerprints are equal; with other prompts (another number of
/// examples, say) samples still pair by document. A task that is "open" has no samples yet.
/// Every call throws SystemError if the file is damaged.
class StoreReader {
 public:
  /// @throws SystemError  there is no such file, it is no store, or one of a newer version
  explicit StoreReader(const std::filesystem::path& file);

  /// Oldest first.
  [[nodiscard]] std::vector<StoredRun> runs() const;
  /// @param run  its number, or its name; the latest one of several with the same name
  /// @throws UsageError  there is none; the message lists what there is
  [[nodiscard]] StoredRun find(std::string_view run) const;
  /// None in a store of version 1.
  [[nodiscard]] StoredGroups groups(std::int64_t run) const;
  /// In the order of the run.
  [[nodiscard]] std::vector<StoredTask> tasks(std::int64_t run) const;
  /// Of all tasks and groups, or of one. In the order they were scored.
  [[nodiscard]] std::vector<StoredMetric> metrics(std::int64_t run, std::string_view name = {}) const;
  /// Sorted by document.
  [[nodiscard]] std::vector<StoredSample> samples(std::int64_t run, std::string_view task) const;

 private:
  mutable Database database_;
  int version_;
};

}  // namespace cambium::eval
