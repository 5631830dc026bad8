#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "eval/store/database.h"

namespace cambium::eval {

/// A tuning run as it is begun. The same configuration and output folder are the same run.
struct NewTuning {
  std::string name;
  std::string output;       ///< absolute folder of the tuned model
  std::string model;        ///< what is tuned, as it was named
  std::string config;       ///< text of the configuration, with replaced values behind it
  std::string config_hash;  ///< of that text
  std::uint64_t seed = 0;
  std::string version;  ///< of the program
};

/// Writes the numbers of one tuning run into a store (docs/store.md): each with its step and name.
/// Numbers are collected and written together, at the latest after a second (at the next call) or by flush().
/// Every call throws SystemError; a full disk is said as such and leaves what was stored before.
class TuningStore {
 public:
  /// Begins the run, or goes on with it: of an earlier try, numbers of steps above `kept_step` are removed (-1: all).
  /// @throws SystemError  not a store, or one of a newer version
  TuningStore(const std::filesystem::path& file, const NewTuning& run, std::int64_t kept_step);

  /// @param value  not a number and infinity are stored as NULL
  void add(std::int64_t step, std::string_view name, double value);
  void flush();
  /// @param end  "done", "forgetting"  @param seconds  of tuning, over all times it was resumed
  void finish(std::string_view end, double seconds);

 private:
  struct Waiting {
    std::int64_t step;
    std::string name;
    double value;
  };
  Database database_;
  std::int64_t id_ = 0;
  std::vector<Waiting> waiting_;
  double last_write_ = 0;
};

}  // namespace cambium::eval
