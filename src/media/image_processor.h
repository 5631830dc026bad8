#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "media/image.h"
#include "media/resize.h"

namespace cambium::media {

/// What a vision tower eats: pixels is [pictures, 3, height, width] float32, row-major.
struct PixelValues {
  std::int64_t pictures = 0;
  std::int64_t height = 0;
  std::int64_t width = 0;
  std::vector<float> values;
};

/// The steps from a decoded picture to pixel values for towers that see one picture of one size: pad to a square,
/// resize, crop the centre, rescale, normalise. This is what transformers' CLIP, SigLIP, ViT, Deit and LLaVA image
/// processors do.
struct ImageProcessor {
  bool pad_to_square = false;  ///< with the colour int(255 * mean), as LLaVA
  bool resize = true;
  /// Exactly one of the two forms: the shorter side (the other keeps the ratio, rounded down), or both sides.
  std::optional<std::int64_t> shortest_edge;
  std::int64_t height = 0;
  std::int64_t width = 0;
  Filter filter = Filter::kBicubic;
  bool crop = false;
  std::int64_t crop_height = 0;
  std::int64_t crop_width = 0;
  bool rescale = true;
  double rescale_factor = 1.0 / 255.0;
  bool normalize = true;
  std::array<double, 3> mean{};
  std::array<double, 3> deviation{};

  /// From preprocessor_config.json, or the `image_processor` object of processor_config.json. Fields left out take the
  /// defaults that transformers has for the `image_processor_type` (CLIP's where none is named).
  /// @param where  the file's name for messages
  /// @throws CheckpointError  a type that does not give one picture of one size (the known ones are listed), or a
  /// malformed field
  [[nodiscard]] static ImageProcessor from_config(const nlohmann::ordered_json& config, std::string_view where);

  /// Height and width that every picture comes out with. @throws CheckpointError  the config leaves the size to the
  /// picture
  [[nodiscard]] std::array<std::int64_t, 2> output_size(std::string_view where) const;

  /// The 8-bit picture just before rescaling.
  [[nodiscard]] Image prepare(const Image& image, Resizer resizer = Resizer::kTorchvision) const;
  /// prepare, rescale and normalise: (value - 255 mean) / (255 std) in float32.
  /// @param pictures  at least one; all come out in one size
  [[nodiscard]] PixelValues process(std::span<const Image> pictures, Resizer resizer = Resizer::kTorchvision) const;
};

}  // namespace cambium::media
