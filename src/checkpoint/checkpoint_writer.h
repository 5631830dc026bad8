#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/weight_source.h"

namespace cambium::checkpoint {

/// Where a tensor of an output goes.
struct OutputPlace {
  std::size_t shard = 0;    ///< index into OutputLayout::shard_files
  std::uint64_t begin = 0;  ///< offset of its first byte in that file
};

/// The complete layout of an output, fixed before any value is known: same tensors, same options, same bytes.
/// Tensors are dealt to shards in the given order; a shard is closed when the next tensor would take it over
/// shard_bytes. Within a shard, types of larger elements come first (the order is kept otherwise), so that every tensor
/// is aligned to its elements. One shard is named `model.safetensors`, several `model-00001-of-0000N.safetensors` plus
/// `model.safetensors.index.json`. Headers are padded with blanks to a multiple of 8 as the safetensors library does,
/// and carry {"format": "pt"}.
struct OutputLayout {
  std::vector<TensorInfo> tensors;
  std::vector<OutputPlace> places;  ///< one a tensor
  std::vector<std::string> shard_files;
  std::vector<std::uint64_t> shard_file_bytes;  ///< header included
  std::vector<std::string> shard_headers;       ///< first bytes of each file (8-byte length and JSON)
  std::uint64_t total_bytes = 0;                ///< tensor bytes
};
[[nodiscard]] OutputLayout plan_output(std::vector<TensorInfo> tensors, std::uint64_t shard_bytes = 5'000'000'000);

/// Writes an output folder piece by piece, in any order, from any thread; nothing stands under the final name until
/// finish().
///
/// Everything is written into a folder beside the final one (`.NAME.partial`), preallocated (a full disk is found
/// before the work begins), fsynced and renamed. If the final folder exists: refused, unless it is empty. An unfinished
/// partial folder is refused with a hint unless `kResume` (then the sizes and headers must match the layout, else
/// CheckpointError). With `kShare` several processes, perhaps on several machines, fill different tensors of one
/// partial folder: whoever comes first makes it, the others join; nobody truncates anything, and one of them calls
/// finish() when all are done.
class CheckpointWriter {
 public:
  enum class Start { kFresh, kResume, kShare };
  CheckpointWriter(const std::filesystem::path& folder, OutputLayout layout, Start start);
  /// Unfinished: leaves the partial folder as it is (the caller resumes or calls discard()).
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  [[nodiscard]] static std::filesystem::path partial_folder(const std::filesystem::path& folder);
  [[nodiscard]] const OutputLayout& layout() const;
  [[nodiscard]] const std::filesystem::path& working_folder() const;
  /// Puts bytes into tensor number `tensor` at `offset` bytes from its start. Thread-safe for ranges that do not
  /// overlap.
  /// @throws SystemError  disk full, I/O error (names file and tensor)
  void write(std::size_t tensor, std::uint64_t offset, std::span<const std::byte> bytes);
  /// Makes what was written so far survive a crash of the machine.
  void sync();
  /// A small file beside the weights (config.json, README.md ...), in the working folder.
  void write_file(std::string_view name, std::string_view contents);
  void copy_file(const std::filesystem::path& source, std::string_view name);
  /// Writes the index if there are several shards, syncs, removes journals (Journal::file_name), renames to the final
  /// name.
  void finish();
  /// Removes the working folder.
  void discard();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Replaces `file` in one step: written beside, synced, renamed.
void write_file_atomically(const std::filesystem::path& file, std::string_view contents);

}  // namespace cambium::checkpoint
