#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/content_hash.h"
#include "checkpoint/open_file.h"

namespace cambium::checkpoint {

/// What is known to be finished of a long piece of work, in an append-only file that survives a kill at any moment.
///
/// The file begins with the hash of the plan: a journal of another plan is refused. Each record (number of a piece,
/// hash of its result) carries a checksum; a torn or damaged record ends the journal, and what follows it counts as
/// never written. One process appends to a journal; others may read it.
class Journal {
 public:
  struct Entry {
    std::uint64_t piece = 0;  ///< number of the piece (tensor) in the plan
    ContentHash hash;         ///< of its bytes, as written
    auto operator<=>(const Entry&) const = default;
  };

  /// Opens the journal to go on with it, or creates it. A file too short for a header (killed while being created)
  /// counts as new.
  /// @throws CheckpointError  the journal is of another plan
  /// @throws SystemError      cannot be opened or written
  Journal(const std::filesystem::path& file, const ContentHash& plan);

  /// What was finished before this process opened the journal, and what it appended since. Not to be called during
  /// append().
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// Records pieces whose bytes are on disk already (call CheckpointWriter::sync() first), and returns when the records
  /// are, too. Thread-safe. Cost: one write and one fdatasync, so pass several at once.
  void append(std::span<const Entry> finished);

  /// The entries of a journal that another process keeps; nothing if there is no such file.
  /// @throws CheckpointError  the journal is of another plan
  [[nodiscard]] static std::optional<std::vector<Entry>> read(const std::filesystem::path& file,
                                                              const ContentHash& plan);

  /// Name, in an output's working folder, of the journal of part `part` (from 1) of `parts`. CheckpointWriter::finish()
  /// removes all files of such names.
  [[nodiscard]] static std::string file_name(std::size_t part = 1, std::size_t parts = 1);
  static constexpr std::string_view kFilePrefix = ".journal-";

 private:
  std::filesystem::path path_;
  OpenFile file_;
  ContentHash plan_;
  std::uint64_t end_ = 0;
  std::vector<Entry> entries_;
  std::mutex mutex_;
};

}  // namespace cambium::checkpoint
