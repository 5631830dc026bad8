#include "checkpoint/processor_files.h"

#include <fmt/format.h>

#include "checkpoint/model_folder.h"
#include "checkpoint/open_file.h"
#include "tensor/error.h"

namespace cambium::checkpoint {
namespace {

std::optional<std::string> text_member(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

class Reader {
 public:
  Reader(const FileLookup& file, std::string_view label) : file_(file), label_(label) {}

  // An object, or nothing if there is no such file.
  std::optional<Json> json(std::string_view name) const {
    const std::optional<std::string> text = file_(name);
    if (!text) return std::nullopt;
    Json value = parse_json(*text, where(name));
    if (!value.is_object()) throw CheckpointError(fmt::format("{}: not a JSON object", where(name)));
    return value;
  }
  std::string where(std::string_view name) const { return fmt::format("{}/{}", label_, name); }

 private:
  const FileLookup& file_;
  std::string_view label_;
};

bool is_of_sound(const Json& settings) {
  return settings.contains("feature_size") || settings.contains("chunk_length") ||
         text_member(settings, "feature_extractor_type").value_or("").starts_with("Whisper");
}

bool is_of_pictures(const Json& settings) {
  for (const char* key : {"image_processor_type", "feature_extractor_type", "image_mean", "size", "do_resize"}) {
    if (settings.contains(key)) return true;
  }
  return false;
}

std::optional<ProcessorFile> of_named_tower(const Json& config, const Reader& reader) {
  const std::optional<std::string> tower = text_member(config, "mm_vision_tower");
  if (!tower) return std::nullopt;
  ProcessorFiles named;
  try {
    named = read_processor_files(resolve_model(*tower));
  } catch (const CheckpointError&) {
    return std::nullopt;  // not in the cache
  }
  if (!named.image) return std::nullopt;
  if (const auto ratio = text_member(config, "image_aspect_ratio")) {
    named.image->settings["image_aspect_ratio"] = *ratio;
    named.image->where += " with " + reader.where("config.json");
  }
  return named.image;
}

}  // namespace

ProcessorFiles read_processor_files(const FileLookup& file, std::string_view label) {
  const Reader reader(file, label);
  ProcessorFiles out;
  if (const std::optional<Json> processor = reader.json("processor_config.json")) {
    const auto part = [&](const char* key) -> std::optional<ProcessorFile> {
      const auto found = processor->find(key);
      if (found == processor->end() || found->is_null()) return std::nullopt;
      return ProcessorFile{*found, reader.where("processor_config.json") + ": " + key};
    };
    out.image = part("image_processor");
    out.video = part("video_processor");
    out.sound = part("feature_extractor");
    out.image_token = text_member(*processor, "image_token");
    out.video_token = text_member(*processor, "video_token");
    out.audio_token = text_member(*processor, "audio_token");
  }
  if (const std::optional<Json> before = reader.json("preprocessor_config.json")) {
    const ProcessorFile settings{*before, reader.where("preprocessor_config.json")};
    if (is_of_sound(*before)) {
      if (!out.sound) out.sound = settings;
    } else if (is_of_pictures(*before) && !out.image) {
      out.image = settings;
    }
  }
  if (!out.video) {
    if (const std::optional<Json> clips = reader.json("video_preprocessor_config.json"))
      out.video = ProcessorFile{*clips, reader.where("video_preprocessor_config.json")};
  }
  if (!out.image && !out.sound) {
    if (const std::optional<Json> config = reader.json("config.json")) out.image = of_named_tower(*config, reader);
  }
  return out;
}

ProcessorFiles read_processor_files(const std::filesystem::path& folder) {
  const FileLookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    if (!std::filesystem::exists(folder / name)) return std::nullopt;
    return read_file(folder / name);
  };
  return read_processor_files(lookup, folder.string());
}

}  // namespace cambium::checkpoint
