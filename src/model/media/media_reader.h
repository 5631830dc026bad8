#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "checkpoint/processor_files.h"
#include "media/resize.h"
#include "model/media/media_towers.h"

namespace cambium::model {

/// A picture, clip or sound of a prompt: a file (clips: a GIF or a folder of frames), or the bytes of one.
struct MediaItem {
  Modality modality = Modality::kImage;
  std::filesystem::path file;
  std::string bytes;        ///< used where `file` is empty
  std::string where = "?";  ///< what to call the bytes in messages
};

/// Turns items into the tensors that a model's towers take, by the model's processor files. Thread-safe.
class MediaReader {
 public:
  /// @throws CheckpointError  malformed processor files. A modality without any is an error only when it is read.
  MediaReader(const std::filesystem::path& folder, media::Resizer resizer = media::Resizer::kTorchvision);
  ~MediaReader();

  /// A picture: [channels, height, width]; a clip: [num_frames, channels, height, width]; a sound: [mels, frames]; all
  /// float32. Several are stacked for MediaTower::features.
  /// @throws SystemError, CheckpointError  the file cannot be read or decoded; the model has no processor for it
  [[nodiscard]] at::Tensor read(const MediaItem& item) const;

  [[nodiscard]] const checkpoint::ProcessorFiles& files() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// 64 bits that name what an item holds (file contents, the frames of a folder). Cost: reads the files once.
/// @throws SystemError  they cannot be read
[[nodiscard]] std::uint64_t content_of(const MediaItem& item);

}  // namespace cambium::model
