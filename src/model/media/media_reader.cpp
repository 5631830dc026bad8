#include "model/media/media_reader.h"

#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <span>
#include <vector>

#include "checkpoint/open_file.h"
#include "media/clip_processor.h"
#include "media/image_decode.h"
#include "media/image_processor.h"
#include "media/mel_spectrogram.h"
#include "media/wave.h"
#include "tensor/error.h"

namespace cambium::model {
namespace {

at::Tensor tensor_of(const std::vector<float>& values, at::IntArrayRef shape) {
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  std::memcpy(out.data_ptr(), values.data(), values.size() * sizeof(float));
  return out;
}

std::span<const std::byte> bytes_of(const MediaItem& item) { return std::as_bytes(std::span(item.bytes)); }

}  // namespace

struct MediaReader::Impl {
  checkpoint::ProcessorFiles files;
  std::string folder;
  media::Resizer resizer;
  std::optional<media::ImageProcessor> pictures;
  std::optional<media::ClipProcessor> clips;
  std::optional<media::MelSpectrogram> sounds;

  [[noreturn]] void lacks(const char* what, const char* field) const {
    throw CheckpointError(
        fmt::format("{}: the model has no processor for {} ({} in processor_config.json)", folder, what, field));
  }

  at::Tensor picture(const MediaItem& item) const {
    if (!pictures) lacks("pictures", "image_processor");
    const media::Image image =
        item.file.empty() ? media::decode_image(bytes_of(item), item.where) : media::read_image(item.file);
    const media::PixelValues made = pictures->process({&image, 1}, resizer);
    return tensor_of(made.values, {3, made.height, made.width});
  }

  at::Tensor clip(const MediaItem& item) const {
    if (!clips) lacks("clips", "video_processor");
    const std::vector<media::Image> frames =
        item.file.empty() ? media::decode_frames(bytes_of(item), item.where) : media::read_clip(item.file);
    const media::PixelValues made = clips->process(frames, resizer);
    return tensor_of(made.values, {made.pictures, 3, made.height, made.width});
  }

  at::Tensor sound(const MediaItem& item) const {
    if (!sounds) lacks("sounds", "feature_extractor");
    const media::Sound recorded =
        item.file.empty() ? media::decode_wave(bytes_of(item), item.where) : media::read_wave(item.file);
    return tensor_of(sounds->features(media::resampled(recorded, sounds->sample_rate).samples),
                     {sounds->mels, sounds->frames()});
  }
};

MediaReader::MediaReader(const std::filesystem::path& folder, media::Resizer resizer)
    : impl_(std::make_unique<Impl>()) {
  impl_->folder = folder.string();
  impl_->resizer = resizer;
  impl_->files = checkpoint::read_processor_files(folder);
  const checkpoint::ProcessorFiles& files = impl_->files;
  if (files.image) impl_->pictures = media::ImageProcessor::from_config(files.image->settings, files.image->where);
  if (files.video) impl_->clips = media::ClipProcessor::from_config(files.video->settings, files.video->where);
  if (files.sound) impl_->sounds = media::MelSpectrogram::from_config(files.sound->settings, files.sound->where);
}

MediaReader::~MediaReader() = default;

const checkpoint::ProcessorFiles& MediaReader::files() const { return impl_->files; }

at::Tensor MediaReader::read(const MediaItem& item) const {
  switch (item.modality) {
    case Modality::kImage:
      return impl_->picture(item);
    case Modality::kVideo:
      return impl_->clip(item);
    case Modality::kAudio:
      return impl_->sound(item);
  }
  return {};
}

std::uint64_t content_of(const MediaItem& item) {
  const auto seed = static_cast<XXH64_hash_t>(item.modality);
  if (item.file.empty()) return XXH3_64bits_withSeed(item.bytes.data(), item.bytes.size(), seed);
  if (!std::filesystem::is_directory(item.file)) {
    const std::string bytes = checkpoint::read_file(item.file);
    return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
  }
  std::vector<std::filesystem::path> frames;
  for (const auto& entry : std::filesystem::directory_iterator(item.file)) {
    if (entry.is_regular_file()) frames.push_back(entry.path());
  }
  std::ranges::sort(frames);
  std::uint64_t hash = seed;
  for (const std::filesystem::path& frame : frames) {
    const std::string bytes = frame.filename().string() + '\n' + checkpoint::read_file(frame);
    hash = XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash + 1);
  }
  return hash;
}

}  // namespace cambium::model
