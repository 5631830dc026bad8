#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/media/media_towers.h"

namespace cambium::model {

/// A tower with fresh weights.
struct FreshTower {
  bool siglip = false;  ///< SigLIP's block (no class token, no norm in front) instead of CLIP's
  std::int64_t hidden_size = 0, intermediate_size = 0, num_layers = 0, num_heads = 0;
  std::int64_t image_size = 0;                     ///< pixels; of a sound the picture is mels x frames
  std::int64_t patch_height = 0, patch_width = 0;  ///< pixels; of a sound mels and frames
  std::string activation;                          ///< as in Hugging Face configs; empty: the block's own
};

/// Sounds as pictures of one channel.
struct SoundPicture {
  std::int64_t mels = 80;
  std::int64_t seconds = 1;  ///< shorter sounds are padded with silence, longer ones cut
  std::int64_t sample_rate = 16000;
};

/// One modality to be grafted on.
struct GraftPart {
  Modality modality = Modality::kImage;
  std::string tower_checkpoint;  ///< a CLIP or SigLIP model, or a multimodal one; empty: `fresh`
  FreshTower fresh;
  std::string projector_checkpoint;  ///< a multimodal model; empty: fresh weights
  // Nothing: what the checkpoint says, else a default.
  std::vector<std::int64_t> feature_layers;  ///< empty: -2 of a checkpoint, -1 of a fresh tower
  std::optional<std::string> select;       ///< "default" without the class token, "full"; "full" of towers without one
  std::optional<std::string> activation;   ///< of the projector: "gelu"
  std::optional<bool> bias;                ///< of the projector: true
  std::string token;                       ///< placeholder: "<image>", "<video>", "<audio>"
  std::optional<std::int64_t> num_frames;  ///< 8
  std::optional<Pooling> pooling;          ///< none
  std::optional<SoundPicture> sound;       ///< as there; with a checkpoint: its own
};

/// What `cambium graft` makes: a language model with towers. See docs/grafts.md for the file's form.
struct GraftFile {
  std::string where;     ///< for messages
  std::string language;  ///< MODEL
  std::string dtype;     ///< "float32", "bfloat16", "float16"; empty: the language model's
  std::uint64_t seed = 0;
  std::vector<GraftPart> parts;  ///< at least one
};

/// @param where  the file's name for messages
/// @throws RecipeError  not YAML, a key unknown (with the nearest) or given twice, a value of the wrong kind or out of
///                      range; names file and line
[[nodiscard]] GraftFile parse_graft(std::string_view text, std::string_view where);
/// @throws SystemError  the file cannot be read
[[nodiscard]] GraftFile read_graft(const std::filesystem::path& file);

}  // namespace cambium::model
