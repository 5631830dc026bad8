#include "media/clip_processor.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tensor/error.h"

namespace cambium::media {

std::vector<std::size_t> spread_frames(std::size_t total, std::size_t count) {
  std::vector<std::size_t> frames(count, 0);
  // numpy's linspace, cut down to whole numbers: the last one is exact there.
  const double step = count > 1 ? static_cast<double>(total - 1) / static_cast<double>(count - 1) : 0;
  for (std::size_t i = 0; i < count; ++i) frames[i] = static_cast<std::size_t>(static_cast<double>(i) * step);
  if (count > 1) frames.back() = total - 1;
  return frames;
}

ClipProcessor ClipProcessor::from_config(const nlohmann::ordered_json& config, std::string_view where) {
  if (!config.is_object())
    throw CheckpointError(fmt::format("{}: expected an object with the video processor's settings", where));
  if (const auto type = config.find("video_processor_type"); type != config.end()) {
    const std::string name = type->is_string() ? type->get<std::string>() : type->dump();
    if (name != "CambiumVideoProcessor" && name != "VideoLlavaVideoProcessor") {
      throw CheckpointError(fmt::format(
          "{}: video_processor_type '{}' is not supported; known: CambiumVideoProcessor, VideoLlavaVideoProcessor",
          where, name));
    }
  }
  ClipProcessor out;
  out.frames = ImageProcessor::from_config(config, where);
  if (const auto count = config.find("num_frames"); count != config.end() && !count->is_null()) {
    constexpr std::int64_t kMost = 4096;
    if (!count->is_number_integer() || count->get<std::int64_t>() < 1 || count->get<std::int64_t>() > kMost) {
      throw CheckpointError(
          fmt::format("{}: 'num_frames' is {}, expected a whole number from 1 to {}", where, count->dump(), kMost));
    }
    out.num_frames = count->get<std::int64_t>();
  }
  return out;
}

PixelValues ClipProcessor::process(std::span<const Image> clip, Resizer resizer) const {
  std::vector<Image> chosen;
  for (const std::size_t frame : spread_frames(clip.size(), static_cast<std::size_t>(num_frames)))
    chosen.push_back(clip[frame]);
  return frames.process(chosen, resizer);
}

}  // namespace cambium::media
