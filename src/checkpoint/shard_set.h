#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace cambium::checkpoint {

/// The weight files of a folder, before any is opened.
struct ShardSet {
  std::vector<std::string> files;  ///< relative to the folder, sorted
  /// What the index says: tensor and number of its file; empty without an index.
  std::vector<std::pair<std::string, std::size_t>> index;
  std::string index_file;
};

/// Finds the safetensors files of a model: those an index (*.safetensors.index.json) names, else model.safetensors,
/// else all
/// *.safetensors there are. Nothing if there are no weights at all.
/// @throws CheckpointError  only weights in other formats (the message tells how to convert them); an index that is
/// malformed, names a
///         file that is missing or outside the folder; NAME-00001-of-00003.safetensors without its fellows
[[nodiscard]] std::optional<ShardSet> find_shards(const std::filesystem::path& folder);

/// Refuses Python pickles, with the line that converts them.
/// @param example  one of them: a file of the folder
/// @throws CheckpointError  always
[[noreturn]] void refuse_pickles(const std::filesystem::path& folder, const std::string& example);

}  // namespace cambium::checkpoint
