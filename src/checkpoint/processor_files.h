#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "checkpoint/json.h"

namespace cambium::checkpoint {

/// Settings of one processor as a model's files spell them.
struct ProcessorFile {
  Json settings;      ///< an object
  std::string where;  ///< file and field, for messages
};

/// What turns a model's pictures, clips and sounds into tensors, and the words that stand for them in its prompts.
struct ProcessorFiles {
  std::optional<ProcessorFile> image, video, sound;
  std::optional<std::string> image_token, video_token, audio_token;
};

/// Reads processor_config.json (objects image_processor, video_processor, feature_extractor; tokens), and where that
/// lacks one, preprocessor_config.json and video_preprocessor_config.json. A checkpoint of the LLaVA repository has
/// neither: its pictures take those of the tower that config.json's mm_vision_tower names, if that lies in the Hugging
/// Face cache, padded to a square if image_aspect_ratio says so.
/// @throws CheckpointError  malformed
[[nodiscard]] ProcessorFiles read_processor_files(const std::filesystem::path& folder);

/// Gives a file's text, or nothing if there is no such file.
using FileLookup = std::function<std::optional<std::string>(std::string_view name)>;
/// The same for files that are not in a folder (those of a merge). @param label  the model's name for messages
[[nodiscard]] ProcessorFiles read_processor_files(const FileLookup& file, std::string_view label);

}  // namespace cambium::checkpoint
