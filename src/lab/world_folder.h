#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tensor/progress.h"

namespace cambium::lab {

/// How much of each material is made.
struct WorldOptions {
  std::uint64_t seed = 1;
  std::size_t vocabulary = 1024;
  std::size_t train_rows = 4000;  ///< of each language skill, where it has so many
  std::size_t test_rows = 200;    ///< of each language skill
  std::size_t pictures = 4000;    ///< training pictures in all, creatures included
  std::size_t clips = 1500;
  std::size_t sounds = 1500;
  std::size_t test_media = 200;  ///< pictures of each kind, clips, sounds
  int image_size = 32;           ///< pixels
  int patch_size = 8;
  int frames = 4;                   ///< of a clip
  std::vector<std::string> models;  ///< initial weights to write (base_models()); empty: all
};

struct WorldReport {
  std::size_t language_rows = 0, picture_rows = 0, clip_rows = 0, sound_rows = 0, test_rows = 0, tokens = 0;
  bool made = false;  ///< false: it was there already, made from the same options
};

/// Makes the embedded world below `folder`:
///   tokenizer/                     tokenizer.json, tokenizer_config.json, chat_template.jinja
///   initial/NAME/                  seeded models (base_model.h), initial/vision-tower, initial/sound-tower
///   text/documents.jsonl           {"text"}: the facts told in sentences
///   text/skills.json               conversations of all language skills; text/SKILL.json each by itself
///   pictures/train.json, clips/train.json, sounds/train.json
///                                  LLaVA's form with `image` (a file, or a clip's frames), `video`, `audio`; media
///                                  beside it
///   tasks/*.yaml, tasks/data/      test rows in lm-evaluation-harness's form, paths relative to `folder`
///   world.json                     options and counts
/// Train and test share no question: each key is on one side (side_of). Written into a folder beside and renamed when
/// complete.
/// @throws UsageError  the folder holds something else, or a world of other options
WorldReport make_world(const WorldOptions& options, const std::filesystem::path& folder, Progress& progress);

}  // namespace cambium::lab
