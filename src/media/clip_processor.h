#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "media/image.h"
#include "media/image_processor.h"

namespace cambium::media {

/// Numbers of `count` frames spread over a clip: int(i * (total - 1) / (count - 1)), the first and the last among them;
/// one alone is the first. A shorter clip repeats frames. @pre total, count >= 1
[[nodiscard]] std::vector<std::size_t> spread_frames(std::size_t total, std::size_t count);

/// The steps from a decoded clip to pixel values: a fixed number of frames, each processed as a picture.
struct ClipProcessor {
  ImageProcessor frames;
  std::int64_t num_frames = 8;

  /// From the `video_processor` object of processor_config.json or video_preprocessor_config.json: an image processor's
  /// fields and `num_frames` (8 where it is left out).
  /// @throws CheckpointError  a video_processor_type of another kind (the known ones are listed), a malformed field
  [[nodiscard]] static ClipProcessor from_config(const nlohmann::ordered_json& config, std::string_view where);

  /// pictures is num_frames; the model's input is [clips, num_frames, 3, height, width]. @param clip  at least one
  /// frame
  [[nodiscard]] PixelValues process(std::span<const Image> clip, Resizer resizer = Resizer::kTorchvision) const;
};

}  // namespace cambium::media
