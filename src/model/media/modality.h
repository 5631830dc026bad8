#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cambium::model {

/// What is grafted onto a language model.
enum class Modality : std::uint8_t { kImage, kVideo, kAudio };
inline constexpr std::array kModalities{Modality::kImage, Modality::kVideo, Modality::kAudio};

/// How a modality is called in configs, in files of tensors, in names of tensors and in prompts.
struct ModalityNames {
  std::string_view name{};         ///< "image": key of graft files and configs
  std::string_view input{};        ///< "pixel_values": the tensor that a processor gives
  std::string_view tower{};        ///< "vision_tower.": prefix of the tower's canonical names
  std::string_view projector{};    ///< "multi_modal_projector."
  std::string_view placeholder{};  ///< "<image>": stands for one item in a prompt, unless the model has another word
  std::string_view item{};         ///< "picture", for messages
};
inline constexpr std::array<ModalityNames, kModalities.size()> kModalityNames{{
    {"image", "pixel_values", "vision_tower.", "multi_modal_projector.", "<image>", "picture"},
    {"video", "pixel_values_videos", "video_tower.", "video_projector.", "<video>", "clip"},
    {"audio", "input_features", "audio_tower.", "audio_projector.", "<audio>", "sound"},
}};
[[nodiscard]] constexpr const ModalityNames& names_of(Modality modality) {
  return kModalityNames[static_cast<std::size_t>(modality)];
}

}  // namespace cambium::model
