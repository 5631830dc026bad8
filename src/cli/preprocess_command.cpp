#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/model_folder.h"
#include "checkpoint/processor_files.h"
#include "checkpoint/tensor_file.h"
#include "cli/commands.h"
#include "media/clip_processor.h"
#include "media/image_decode.h"
#include "media/image_processor.h"
#include "media/mel_spectrogram.h"
#include "media/wave.h"
#include "merge/recipe.h"
#include "merge/virtual_merge.h"
#include "tensor/error.h"

namespace cambium::cli {

namespace {

struct PreprocessOptions {
  std::string model, out;
  std::vector<std::string> images, videos, sounds;
  std::string resizer = "torchvision";
};

// What the processor gives, under Hugging Face's names.
class Features {
 public:
  void add(std::string name, Shape shape, std::vector<float> values) {
    floats_.push_back(std::move(values));
    infos_.push_back({std::move(name), DType::kF32, std::move(shape)});
    integers_.emplace_back();
  }
  void add(std::string name, Shape shape, std::vector<std::int64_t> values) {
    integers_.push_back(std::move(values));
    infos_.push_back({std::move(name), DType::kI64, std::move(shape)});
    floats_.emplace_back();
  }
  void write(const std::filesystem::path& file) const {
    std::vector<checkpoint::TensorBytes> tensors;
    for (std::size_t i = 0; i < infos_.size(); ++i) {
      const auto bytes = infos_[i].dtype == DType::kF32 ? std::as_bytes(std::span(floats_[i]))
                                                        : std::as_bytes(std::span(integers_[i]));
      tensors.push_back({infos_[i], bytes});
    }
    checkpoint::write_tensor_file(file, tensors);
  }
  [[nodiscard]] const std::vector<checkpoint::TensorInfo>& infos() const { return infos_; }

 private:
  std::vector<checkpoint::TensorInfo> infos_;
  std::vector<std::vector<float>> floats_;
  std::vector<std::vector<std::int64_t>> integers_;
};

checkpoint::ProcessorFiles processors_of(const std::string& model) {
  if (!merge::names_a_recipe(model)) return checkpoint::read_processor_files(checkpoint::resolve_model(model));
  const std::unique_ptr<merge::VirtualMerge> merged = merge::VirtualMerge::open(model);
  const checkpoint::FileLookup lookup = [&](std::string_view name) -> std::optional<std::string> {
    for (const merge::CompanionFile& file : merged->companions()) {
      if (file.name == name) return file.read();
    }
    return std::nullopt;
  };
  return checkpoint::read_processor_files(lookup, model);
}

const checkpoint::ProcessorFile& needed(const std::optional<checkpoint::ProcessorFile>& file, const std::string& model,
                                        const char* what, const char* where) {
  if (file) return *file;
  throw CheckpointError(fmt::format("{}: the model has no processor for {} ({})", model, what, where));
}

void add_pictures(const PreprocessOptions& options, const checkpoint::ProcessorFile& file, media::Resizer resizer,
                  Features& features) {
  const auto processor = media::ImageProcessor::from_config(file.settings, file.where);
  std::vector<media::Image> pictures;
  for (const std::string& picture : options.images) pictures.push_back(media::read_image(picture));
  media::PixelValues made = processor.process(pictures, resizer);
  features.add("pixel_values", {made.pictures, 3, made.height, made.width}, std::move(made.values));
}

void add_clips(const PreprocessOptions& options, const checkpoint::ProcessorFile& file, media::Resizer resizer,
               Features& features) {
  const auto processor = media::ClipProcessor::from_config(file.settings, file.where);
  std::vector<float> values;
  Shape shape{static_cast<std::int64_t>(options.videos.size()), processor.num_frames, 3, 0, 0};
  for (const std::string& clip : options.videos) {
    const media::PixelValues made = processor.process(media::read_clip(clip), resizer);
    shape[3] = made.height;
    shape[4] = made.width;
    values.insert(values.end(), made.values.begin(), made.values.end());
  }
  features.add("pixel_values_videos", shape, std::move(values));
}

void add_sounds(const PreprocessOptions& options, const checkpoint::ProcessorFile& file, Features& features) {
  const auto processor = media::MelSpectrogram::from_config(file.settings, file.where);
  const std::int64_t frames = processor.frames();
  std::vector<float> values;
  std::vector<std::int64_t> mask;
  for (const std::string& name : options.sounds) {
    const media::Sound sound = media::resampled(media::read_wave(name), processor.sample_rate);
    const std::vector<float> made = processor.features(sound.samples);
    values.insert(values.end(), made.begin(), made.end());
    const std::int64_t sounding = processor.sounding_frames(static_cast<std::int64_t>(sound.samples.size()));
    for (std::int64_t i = 0; i < frames; ++i) mask.push_back(i < sounding ? 1 : 0);
  }
  const auto count = static_cast<std::int64_t>(options.sounds.size());
  features.add("input_features", {count, processor.mels, frames}, std::move(values));
  features.add("feature_attention_mask", {count, frames}, std::move(mask));
}

void preprocess(const PreprocessOptions& options) {
  if (options.images.empty() && options.videos.empty() && options.sounds.empty())
    throw UsageError("nothing to preprocess; give --image, --video or --audio");
  if (options.resizer != "torchvision" && options.resizer != "pillow")
    throw UsageError(fmt::format("unknown resizer '{}'; known are torchvision, pillow", options.resizer));
  const media::Resizer resizer = options.resizer == "pillow" ? media::Resizer::kPillow : media::Resizer::kTorchvision;
  const checkpoint::ProcessorFiles files = processors_of(options.model);
  Features features;
  if (!options.images.empty()) {
    add_pictures(options,
                 needed(files.image, options.model, "pictures",
                        "image_processor in processor_config.json, or preprocessor_config.json"),
                 resizer, features);
  }
  if (!options.videos.empty()) {
    add_clips(options,
              needed(files.video, options.model, "clips",
                     "video_processor in processor_config.json, or video_preprocessor_config.json"),
              resizer, features);
  }
  if (!options.sounds.empty()) {
    add_sounds(options,
               needed(files.sound, options.model, "sounds",
                      "feature_extractor in processor_config.json, or preprocessor_config.json"),
               features);
  }
  features.write(options.out);
  for (const checkpoint::TensorInfo& info : features.infos())
    std::cout << fmt::format("{} [{}]\n", info.name, fmt::join(info.shape, ", "));
}

}  // namespace

void add_preprocess_command(CLI::App& app) {
  auto options = std::make_shared<PreprocessOptions>();
  CLI::App* command =
      app.add_subcommand("preprocess", "Write what a model's processor makes of pictures, clips and sounds");
  command->add_option("model", options->model, "folder, org/name in the Hugging Face cache, or recipe")->required();
  command->add_option("--image", options->images, "picture files (PNG, JPEG, WebP, GIF): pixel_values");
  command->add_option("--video", options->videos, "clips (a GIF, or a folder of frames): pixel_values_videos");
  command->add_option("--audio", options->sounds, "sound files (WAV): input_features");
  command->add_option("-o,--out", options->out, "safetensors to write")->required();
  command
      ->add_option("--resizer", options->resizer,
                   "whose arithmetic: torchvision (the default of transformers) or pillow")
      ->capture_default_str();
  command->callback([options] { preprocess(*options); });
}

}  // namespace cambium::cli
