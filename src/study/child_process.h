#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cambium::study {

/// What a finished command left.
struct ChildResult {
  int exit_code = 0;       ///< 128 + signal number if a signal ended it
  std::string last_words;  ///< end of its standard error
};

/// A command running in a folder, its output going to files. It dies with this process (also by kill -9).
class ChildProcess {
 public:
  /// @param program  path; @param words  its arguments
  /// @throws SystemError  it cannot be started
  ChildProcess(const std::filesystem::path& program, const std::vector<std::string>& words,
               const std::filesystem::path& folder, const std::filesystem::path& standard_output,
               const std::filesystem::path& standard_error);
  /// Still running: ended (SIGTERM, then SIGKILL).
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// True once it has ended; does not wait.
  [[nodiscard]] bool finished();
  /// Asks it to stop (SIGINT), so that it leaves a state to resume from.
  void interrupt() const;
  /// @pre finished()
  [[nodiscard]] ChildResult result() const;

 private:
  int process_ = -1;
  int status_ = 0;
  bool finished_ = false;
  std::filesystem::path standard_error_;
};

}  // namespace cambium::study
