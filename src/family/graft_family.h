#pragma once

#include <span>
#include <string_view>

#include "family/model_description.h"

namespace cambium::family {

/// A model_type or an architecture of config.json that names a graft family.
struct GraftName {
  std::string_view name{};
  std::string_view
      decoder{};  ///< decoder family it implies; empty: the text_config's model_type, else GraftFamily::decoder
};

/// Where the language model sits in one layout of names.
struct LanguageRoot {
  std::string_view layout{};  ///< "saved", "module", "original" ("pre452" is told from "saved" by GraftFamily::renames)
  std::string_view prefix{};  ///< in front of the language model's tensors
  /// Name of the head's module; empty: the names below `prefix` are those of a checkpoint of the decoder alone (its
  /// body and head).
  std::string_view head{};
  std::string_view strip{};  ///< taken from the front of the other tensors' names before the renames apply
};

/// A prefix of a tower's or projector's name that became another one.
struct Rename {
  std::string_view from{};
  std::string_view to{};
  bool before_452 = false;  ///< seen in the "saved" form, it tells that transformers before 4.52 wrote the file
};

/// Prefix of the canonical name -> part.
struct PartPrefix {
  std::string_view prefix{};
  Part part = Part::kOther;
};

/// A language model with other modalities grafted on, as data. One small file in grafts/ and one row in
/// family_table.cpp.
struct GraftFamily {
  std::string_view name{};
  std::span<const GraftName> names{};
  std::string_view decoder{};             ///< decoder family when the config does not name one
  std::span<const LanguageRoot> roots{};  ///< tried in this order: the first whose embedding is in the file
  std::span<const Rename> renames{};      ///< the first that fits is applied
  std::span<const PartPrefix> parts{};
  bool tied_by_default = false;
};

/// Hugging Face's form: an AutoModel of the language with the towers beside it.
inline constexpr LanguageRoot kNestedRoots[] = {
    {.layout = "saved", .prefix = "language_model.model.", .head = "language_model.lm_head"},
    {.layout = "module", .prefix = "model.language_model.", .head = "lm_head", .strip = "model."},
    {.layout = "pre452", .prefix = "language_model."},
};

/// A tower, and the module that brings its output into the language model.
inline constexpr PartPrefix kVisionParts[] = {
    {"vision_tower.", Part::kVisionTower},
    {"vision_model.", Part::kVisionTower},
    {"multi_modal_projector.", Part::kProjector},
    {"image_newline", Part::kProjector},
};
inline constexpr PartPrefix kAudioParts[] = {
    {"audio_tower.", Part::kAudioTower},
    {"multi_modal_projector.", Part::kProjector},
};
inline constexpr Rename kVisionRenames[] = {
    {.from = "vision_tower.vision_model.", .to = "vision_tower.", .before_452 = true},
};

}  // namespace cambium::family
