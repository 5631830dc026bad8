#include "media/image_processor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "tensor/error.h"

namespace cambium::media {
namespace {

using Json = nlohmann::ordered_json;

// Defaults of one of transformers' image processors.
struct Preset {
  std::string_view type;  // without "ImageProcessor", "Fast" and "Pil"
  bool by_shortest_edge;
  std::int64_t size;
  Filter filter;
  bool crop;
  std::array<double, 3> mean, deviation;
};

constexpr std::array<double, 3> kClipMean{0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipDeviation{0.26862954, 0.26130258, 0.27577711};
constexpr std::array<double, 3> kHalf{0.5, 0.5, 0.5};
constexpr std::array<double, 3> kImageNetMean{0.485, 0.456, 0.406};
constexpr std::array<double, 3> kImageNetDeviation{0.229, 0.224, 0.225};

// A new processor of this kind: its row here.
constexpr std::array kPresets{
    Preset{"CLIP", true, 224, Filter::kBicubic, true, kClipMean, kClipDeviation},
    Preset{"Llava", true, 224, Filter::kBicubic, true, kClipMean, kClipDeviation},
    Preset{"Siglip", false, 224, Filter::kBicubic, false, kHalf, kHalf},
    Preset{"ViT", false, 224, Filter::kBilinear, false, kHalf, kHalf},
    Preset{"DeiT", false, 256, Filter::kBicubic, true, kImageNetMean, kImageNetDeviation},
};

std::string_view without_suffix(std::string_view name, std::string_view suffix) {
  return name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
}

const Preset& preset_of(const Json& config, std::string_view where) {
  std::string name = "CLIP";
  for (const char* key : {"image_processor_type", "feature_extractor_type"}) {
    if (config.contains(key) && config[key].is_string()) {
      name = config[key].get<std::string>();
      break;
    }
  }
  std::string_view type = name;
  for (const char* suffix : {"Fast", "Pil", "ImageProcessor", "FeatureExtractor"}) type = without_suffix(type, suffix);
  for (const Preset& preset : kPresets) {
    if (preset.type == type) return preset;
  }
  std::vector<std::string_view> known;
  for (const Preset& preset : kPresets) known.push_back(preset.type);
  throw CheckpointError(
      fmt::format("{}: image_processor_type '{}' is not one that gives one picture of one size; known: {} (each with "
                  "or without 'ImageProcessor' and 'Fast' behind it)",
                  where, name, fmt::join(known, ", ")));
}

[[noreturn]] void bad_field(std::string_view where, std::string_view key, const Json& found,
                            std::string_view expected) {
  throw CheckpointError(fmt::format("{}: '{}' is {}, expected {}", where, key, found.dump(), expected));
}

void read_flag(const Json& config, const char* key, bool& out, std::string_view where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return;
  if (!found->is_boolean()) bad_field(where, key, *found, "true or false");
  out = found->get<bool>();
}

std::int64_t side(const Json& value, std::string_view key, std::string_view where) {
  constexpr std::int64_t kLargest = 16384;
  if (!value.is_number_integer() || value.get<std::int64_t>() < 1 || value.get<std::int64_t>() > kLargest) {
    bad_field(where, key, value, fmt::format("a whole number of pixels from 1 to {}", kLargest));
  }
  return value.get<std::int64_t>();
}

std::array<double, 3> triple(const Json& value, std::string_view key, std::string_view where) {
  if (value.is_number()) return {value.get<double>(), value.get<double>(), value.get<double>()};
  if (!value.is_array() || value.size() != 3 ||
      !std::ranges::all_of(value, [](const Json& v) { return v.is_number(); })) {
    bad_field(where, key, value, "three numbers, one a channel");
  }
  return {value[0].get<double>(), value[1].get<double>(), value[2].get<double>()};
}

Image padded_to_square(const Image& image, const std::array<double, 3>& mean) {
  const std::int64_t side = std::max(image.height, image.width);
  if (image.height == image.width) return image;
  Image out(side, side);
  for (std::size_t i = 0; i < out.pixels.size(); ++i) out.pixels[i] = static_cast<std::uint8_t>(255 * mean[i % 3]);
  const std::int64_t top = (side - image.height) / 2;
  const std::int64_t left = (side - image.width) / 2;
  for (std::int64_t y = 0; y < image.height; ++y) {
    std::memcpy(out.row(top + y) + left * 3, image.row(y), static_cast<std::size_t>(image.width) * 3);
  }
  return out;
}

// The middle of the picture; where the picture is smaller, black around it.
Image centre(const Image& image, std::int64_t height, std::int64_t width) {
  Image out(height, width);
  // What is cut goes half (rounded down) off the top and left; what is added goes half (rounded down) to the top and
  // left.
  const std::int64_t from_y = std::max<std::int64_t>(0, (image.height - height) / 2);
  const std::int64_t from_x = std::max<std::int64_t>(0, (image.width - width) / 2);
  const std::int64_t to_y = std::max<std::int64_t>(0, (height - image.height) / 2);
  const std::int64_t to_x = std::max<std::int64_t>(0, (width - image.width) / 2);
  const std::int64_t rows = std::min(height, image.height);
  const std::size_t bytes = static_cast<std::size_t>(std::min(width, image.width)) * 3;
  for (std::int64_t y = 0; y < rows; ++y)
    std::memcpy(out.row(to_y + y) + to_x * 3, image.row(from_y + y) + from_x * 3, bytes);
  return out;
}

}  // namespace

ImageProcessor ImageProcessor::from_config(const nlohmann::ordered_json& config, std::string_view where) {
  if (!config.is_object())
    throw CheckpointError(fmt::format("{}: expected an object with the image processor's settings", where));
  const Preset& preset = preset_of(config, where);
  ImageProcessor out;
  out.filter = preset.filter;
  out.crop = preset.crop;
  out.mean = preset.mean;
  out.deviation = preset.deviation;
  if (preset.by_shortest_edge) {
    out.shortest_edge = preset.size;
  } else {
    out.height = out.width = preset.size;
  }
  out.crop_height = out.crop_width = 224;
  read_flag(config, "do_resize", out.resize, where);
  read_flag(config, "do_center_crop", out.crop, where);
  read_flag(config, "do_rescale", out.rescale, where);
  read_flag(config, "do_normalize", out.normalize, where);
  if (preset.type == "Llava") read_flag(config, "do_pad", out.pad_to_square, where);
  if (config.value("image_aspect_ratio", Json()) == "pad") out.pad_to_square = true;

  if (const auto size = config.find("size"); size != config.end() && !size->is_null()) {
    out.shortest_edge.reset();
    out.height = out.width = 0;
    if (size->is_number()) {
      // The oldest spelling: CLIP's number is the shorter side, the others' a square.
      if (preset.by_shortest_edge) {
        out.shortest_edge = side(*size, "size", where);
      } else {
        out.height = out.width = side(*size, "size", where);
      }
    } else if (size->is_object() && size->contains("shortest_edge") && !(*size)["shortest_edge"].is_null()) {
      out.shortest_edge = side((*size)["shortest_edge"], "size.shortest_edge", where);
    } else if (size->is_object() && size->contains("height") && size->contains("width")) {
      out.height = side((*size)["height"], "size.height", where);
      out.width = side((*size)["width"], "size.width", where);
    } else {
      bad_field(where, "size", *size, "{\"shortest_edge\": n}, {\"height\": n, \"width\": n} or a number");
    }
  }
  if (const auto crop = config.find("crop_size"); crop != config.end() && !crop->is_null()) {
    if (crop->is_number()) {
      out.crop_height = out.crop_width = side(*crop, "crop_size", where);
    } else if (crop->is_object() && crop->contains("height") && crop->contains("width")) {
      out.crop_height = side((*crop)["height"], "crop_size.height", where);
      out.crop_width = side((*crop)["width"], "crop_size.width", where);
    } else {
      bad_field(where, "crop_size", *crop, "{\"height\": n, \"width\": n} or a number");
    }
  }
  if (const auto filter = config.find("resample"); filter != config.end() && !filter->is_null()) {
    if (!filter->is_number_integer() || filter->get<int>() < 0 || filter->get<int>() > 3) {
      bad_field(where, "resample", *filter, "0 (nearest), 1 (Lanczos), 2 (bilinear) or 3 (bicubic)");
    }
    out.filter = static_cast<Filter>(filter->get<int>());
  }
  if (const auto factor = config.find("rescale_factor"); factor != config.end() && !factor->is_null()) {
    if (!factor->is_number() || factor->get<double>() <= 0)
      bad_field(where, "rescale_factor", *factor, "a positive number");
    out.rescale_factor = factor->get<double>();
  }
  if (config.contains("image_mean") && !config["image_mean"].is_null())
    out.mean = triple(config["image_mean"], "image_mean", where);
  if (config.contains("image_std") && !config["image_std"].is_null()) {
    out.deviation = triple(config["image_std"], "image_std", where);
    if (std::ranges::any_of(out.deviation, [](double value) { return value == 0; })) {
      bad_field(where, "image_std", config["image_std"], "three numbers other than 0");
    }
  }
  return out;
}

std::array<std::int64_t, 2> ImageProcessor::output_size(std::string_view where) const {
  if (crop) return {crop_height, crop_width};
  if (resize && !shortest_edge) return {height, width};
  if (resize && pad_to_square) return {*shortest_edge, *shortest_edge};
  throw CheckpointError(fmt::format(
      "{}: pictures would come out in different sizes (neither a crop nor a fixed height and width)", where));
}

Image ImageProcessor::prepare(const Image& image, Resizer resizer) const {
  Image picture = pad_to_square ? padded_to_square(image, mean) : image;
  if (resize) {
    std::int64_t to_height = height;
    std::int64_t to_width = width;
    if (shortest_edge) {
      const std::int64_t shorter = std::min(picture.height, picture.width);
      const std::int64_t longer = std::max(picture.height, picture.width);
      const auto other =
          static_cast<std::int64_t>(static_cast<double>(*shortest_edge * longer) / static_cast<double>(shorter));
      to_height = picture.height <= picture.width ? *shortest_edge : other;
      to_width = picture.height <= picture.width ? other : *shortest_edge;
    }
    picture = media::resize(picture, to_height, to_width, filter, resizer);
  }
  return crop ? centre(picture, crop_height, crop_width) : picture;
}

PixelValues ImageProcessor::process(std::span<const Image> pictures, Resizer resizer) const {
  PixelValues out;
  out.pictures = static_cast<std::int64_t>(pictures.size());
  // One subtraction and one division a value: rescaling is folded into mean and deviation, as transformers does.
  std::array<float, 3> shift{0, 0, 0};
  std::array<float, 3> scale{1, 1, 1};
  for (std::size_t c = 0; c < 3; ++c) {
    const double factor = rescale ? 1.0 / rescale_factor : 1.0;
    if (normalize) {
      shift[c] = static_cast<float>(mean[c]) * static_cast<float>(factor);
      scale[c] = static_cast<float>(deviation[c]) * static_cast<float>(factor);
    } else {
      scale[c] = static_cast<float>(factor);
    }
  }
  for (const Image& image : pictures) {
    const Image ready = prepare(image, resizer);
    if (out.values.empty()) {
      out.height = ready.height;
      out.width = ready.width;
      out.values.reserve(pictures.size() * ready.pixels.size());
    }
    if (ready.height != out.height || ready.width != out.width) {
      throw ShapeError(
          fmt::format("pictures come out as {} x {} and {} x {} pixels, expected one size; set a crop or a fixed size",
                      out.width, out.height, ready.width, ready.height));
    }
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t i = c; i < ready.pixels.size(); i += 3) {
        out.values.push_back((static_cast<float>(ready.pixels[i]) - shift[c]) / scale[c]);
      }
    }
  }
  return out;
}

}  // namespace cambium::media
