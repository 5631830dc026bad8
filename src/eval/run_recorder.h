#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "eval/evaluate.h"
#include "eval/store/store.h"

namespace cambium::eval {

/// Writes one evaluation into a store.
class RunRecorder {
 public:
  /// Begins the run and its tasks, or goes on with the run that asked the same.
  /// @throws UsageError  the backend has no fingerprint; SystemError  as Store
  RunRecorder(Store& store, const BackendFacts& facts, const std::vector<TaskOutcome>& tasks,
              const std::vector<tasks::Group>& groups, const EvaluateOptions& options);

  /// Answers that the store has, by key and repeat.
  [[nodiscard]] std::map<std::pair<std::string, int>, StoredResponse> known(const std::vector<std::string>& keys) const;
  void add(const std::string& key, int repeat, const tasks::Request& request, const tasks::Response& response,
           std::size_t tokens);
  /// @param keys  of the outcome's requests
  void finish_task(std::size_t task, const TaskOutcome& outcome, const std::vector<std::string>& keys, double seconds);
  void fail_task(std::size_t task, const std::string& message);
  void finish(const Evaluation& evaluation);
  void flush() { store_.flush(); }

 private:
  Store& store_;
  std::int64_t run_ = 0;
  std::vector<std::int64_t> tasks_;
};

}  // namespace cambium::eval
