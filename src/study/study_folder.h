#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/step.h"

namespace cambium::study {

/// A study's folder: what each step's last run came to, and the lock that keeps two runs apart.
///   steps/NAME/state.json   state, hash of the inputs, seconds, message
///   steps/NAME/command      what ran, as a line to paste;  stdout, stderr beside it
class StudyFolder {
 public:
  explicit StudyFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}
  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }
  [[nodiscard]] std::filesystem::path step_path(const std::string& step) const;

  [[nodiscard]] StepRecord record(const std::string& step) const;
  void write_record(const std::string& step, const StepRecord& record) const;

  /// State of a step by its record and by what is on disk.
  [[nodiscard]] StepState state(const Step& step) const;

 private:
  std::filesystem::path folder_;
};

/// Holds an advisory lock on a file as long as it lives.
class FileLock {
 public:
  /// @param shared  several may hold it at once, none exclusively beside them
  /// @throws UsageError  another process holds it; `what` tells what is locked
  FileLock(const std::filesystem::path& file, bool shared, const std::string& what);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

}  // namespace cambium::study
