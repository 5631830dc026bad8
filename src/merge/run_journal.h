#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "checkpoint/checkpoint_writer.h"
#include "checkpoint/journal.h"

namespace cambium::merge {

/// What a streaming merge has finished: the journal, and beside it a line of provenance for each tensor.
///
/// Finished tensors are made safe in batches by a thread of their own, so that the merge does not wait for the disk:
/// first the weights, then the lines, then the journal. A kill at any moment loses the last batch at most.
class RunJournal {
 public:
  /// Opens or begins the journal of part `part` of `parts` of an output. @throws as checkpoint::Journal
  RunJournal(checkpoint::CheckpointWriter& writer, const checkpoint::ContentHash& plan, std::size_t part,
             std::size_t parts);
  /// Waits for the thread; what was not committed is forgotten.
  ~RunJournal();
  RunJournal(const RunJournal&) = delete;
  RunJournal& operator=(const RunJournal&) = delete;

  /// Tensors finished before, by number, with their lines.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& finished() const { return finished_; }
  /// A tensor is written. @param line  its provenance, one line of JSON  @param bytes  its size
  /// @throws SystemError  an earlier batch could not be made safe
  void add(std::uint64_t tensor, const checkpoint::ContentHash& hash, std::string line, std::uint64_t bytes);
  /// Makes everything safe before it returns.
  void commit();

  /// The lines of a part that another process has written; nothing if it has not begun.
  [[nodiscard]] static std::map<std::uint64_t, std::string> read(const std::filesystem::path& folder,
                                                                 const checkpoint::ContentHash& plan, std::size_t part,
                                                                 std::size_t parts);

 private:
  struct Batch {
    std::vector<checkpoint::Journal::Entry> entries;
    std::string lines;
    std::uint64_t bytes = 0;
  };
  void write(const Batch& batch);
  void work();

  checkpoint::CheckpointWriter& writer_;
  checkpoint::Journal journal_;
  checkpoint::OpenFile lines_;
  std::uint64_t lines_end_ = 0;
  std::map<std::uint64_t, std::string> finished_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Batch waiting_;  ///< gathered by add()
  Batch in_hand_;  ///< being written by the thread
  bool busy_ = false;
  bool stop_ = false;
  std::exception_ptr failed_;
  std::thread thread_;
};

}  // namespace cambium::merge
